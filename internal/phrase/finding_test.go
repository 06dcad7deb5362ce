package phrase

import (
	"slices"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

func TestSpan(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 21, 3, 12, 0, 0, time.UTC)
	for _, tc := range []struct {
		since, until time.Time
		want         string
	}{
		{at, time.Time{}, "since 03:12:00 UTC (1m30s)"},
		{at, at.Add(20 * time.Second), "from 03:12:00 to 03:12:20 UTC (20s)"},
		{time.Time{}, time.Time{}, "since before start"},
		{time.Time{}, at, "from before start to 03:12:00 UTC"},
	} {
		if got := Span(tc.since, tc.until, at.Add(90*time.Second)); got != tc.want {
			t.Errorf("%q, want %q", got, tc.want)
		}
	}
}

func TestSufferer(t *testing.T) {
	t.Parallel()
	curl := event.Process{ID: event.ProcID{PID: 7}, Comm: "cu\x1brl"}
	at := time.Date(2026, 11, 21, 3, 12, 0, 0, time.UTC)
	for want, got := range map[string]string{
		`cu\x1brl: 1,840 failed calls, last at 03:12:00`: Sufferer(curl, 1_840, at),
		`cu\x1brl: 1 failed call`:                        Sufferer(curl, 1, time.Time{}),
		"(unknown)":                                      Sufferer(event.Process{}, 0, time.Time{}),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestCommandLines(t *testing.T) {
	t.Parallel()
	want := []string{"upstream app {", "    keepalive 32;", "}", `\x1b[2J`}
	if got := CommandLines("upstream app {\n\tkeepalive 32;\n}\n\x1b[2J\n"); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

func TestShellWord(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]string{
		"churn:nginx:10.77.0.2:9000": "churn:nginx:10.77.0.2:9000",
		"leak:my job":                "'leak:my job'",
		"it's":                       `'it'\''s'`,
		"$(reboot)":                  "'$(reboot)'",
		"":                           "''",
	} {
		if got := ShellWord(word); got != want {
			t.Errorf("%q became %s, want %s", word, got, want)
		}
	}
}
