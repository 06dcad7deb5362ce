package doctor

import (
	"strings"
	"testing"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// leaking is a load that closes nothing.
func leaking(ports event.PortRange, wanted float64) (*snapshot.Snapshot, Subject) {
	l := narrowChurn("python3")
	l.ports, l.wanted = ports, wanted
	s := l.seen()
	space := &s.PortSpaces[0]
	space.Live, space.TimeWait, space.Peak, space.Exhausted = space.Capacity, 0, space.Capacity, 100
	space.Holders = []snapshot.Holder{{Proc: l.proc, HeldCount: snapshot.HeldCount{Live: space.Capacity}}}
	s.Pairs[0].Lifetimes, s.Pairs[0].Totals = snapshot.Lifetimes{}, snapshot.Totals{Opens: 300}
	return s, l.subject()
}

// TestLeakIsNoDeadEnd says for each rate what ends it.
func TestLeakIsNoDeadEnd(t *testing.T) {
	t.Parallel()
	narrow := event.PortRange{Low: 40000, High: 40255}
	for _, c := range []struct {
		cause  Cause
		ports  event.PortRange
		wanted float64
		want   []string
		never  string
	}{
		{Leak, narrow, 9.9, []string{
			"not enough alone: at 9.9 connections/s TIME_WAIT of 60 s each takes more than the 256 ports. With it the port range 32768-60999 suffices (28,232 ports), if each connection is closed within ",
			"or keep-alive suffices (sustains ", "session = requests.Session()", "holds 4 (to begin with: how many are needed at a time was not measured)", "Once it closes its connections: set the port range to 32768-60999", "survives with 28,232 ports if each connection is closed within ",
		}, ""},
		{Leak, narrow, 1, []string{"survives with 256 ports if each connection is closed within "}, "Once it closes"},
		{Leak, defaultRange, 5000, []string{"With it keep-alive suffices (sustains "}, "Once it closes"},
		{Leak, narrow, 50_000, []string{"whatever the port range"}, "suffices"},
		{CloseWaitLeak, narrow, 9.9, []string{"survives with 256 ports if each connection is closed within "}, "Once it closes"},
	} {
		s, subject := leaking(c.ports, c.wanted)
		text := show(simulated(s, c.cause, subject))
		for _, want := range c.want {
			if !strings.Contains(text, want) {
				t.Errorf("%s at %g/s lacks %q:%s", c.cause, c.wanted, want, text)
			}
		}
		if c.never != "" && strings.Contains(text, c.never) {
			t.Errorf("%s at %g/s has %q:%s", c.cause, c.wanted, c.never, text)
		}
	}
}

// What fails by its own effect is not the one thing that a report advises.
func TestFirstAdvice(t *testing.T) {
	t.Parallel()
	fails, helps := Advice{Action: "fails", fails: true}, Advice{Action: "helps"}
	for want, list := range map[string][]Advice{"helps": {fails, helps}, "fails": {fails, fails}} {
		if got := (&Finding{Advice: list}).FirstAdvice(); got.Action != want {
			t.Errorf("%s, want %s", got.Action, want)
		}
	}
	if got := (&Finding{}).FirstAdvice(); got != nil {
		t.Errorf("%+v", got)
	}
}
