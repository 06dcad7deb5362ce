package phrase

import (
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/snapshot"
)

func TestForecast(t *testing.T) {
	t.Parallel()
	in := func(eta, low, high time.Duration) snapshot.Forecast {
		return snapshot.Forecast{Known: true, ETA: eta, Low: low, High: high}
	}
	for _, tc := range []struct {
		forecast snapshot.Forecast
		want     string
	}{
		{snapshot.Forecast{}, "-"},
		{snapshot.Forecast{Known: true, Never: true}, "never"},
		{snapshot.Forecast{Known: true, Never: true, Low: -1, High: -1}, "never"},
		{snapshot.Forecast{Known: true, Never: true, Low: 3 * time.Minute, High: -1}, "never (3 min at the earliest)"},
		{in(0, 0, 0), "now"},
		{in(40*time.Second, 35*time.Second, 48*time.Second), "in 40 s (35-48 s)"},
		{in(40*time.Second, 40*time.Second, 40*time.Second), "in 40 s"},
		{in(90*time.Second, 80*time.Second, 3*time.Minute), "in 90 s (80 s-3 min)"},
		{in(40*time.Second, 35*time.Second, -1), "in 40 s (35 s-never)"},
		{in(3*time.Hour, 170*time.Minute, 190*time.Minute), "in 3 h"},
		{in(71*time.Hour, 50*time.Hour, 300*time.Hour), "in 3 days (2-13 days)"},
	} {
		if got := Forecast(&tc.forecast); got != tc.want {
			t.Errorf("got %q, want %q", got, tc.want)
		}
	}
}
