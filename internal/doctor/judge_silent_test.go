package doctor

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// silentBefore is a host of 500 ports, most of which had a SYN without an answer at the start.
func silentBefore(waiting uint16) *host {
	h := newHost(40000, 40499)
	for n := range waiting {
		h.openBefore(40000 + n)
		e := &h.events[len(h.events)-1]
		e.State, e.Proc = event.StateSynSent, shop
	}
	return h
}

// hasText reports whether a piece of the evidence begins so.
func (f *Finding) hasText(begins string) bool {
	return slices.ContainsFunc(f.Evidence, func(e Evidence) bool { return strings.HasPrefix(e.Text, begins) })
}

// Attempts that were waiting at the start are older than it, no more of them wait than there are
// sockets, and what they take of the ports is said.
func TestSilentSinceBeforeStart(t *testing.T) {
	t.Parallel()
	_, last := silentBefore(498).run(t, 10*time.Second)
	for i := range last.Pairs {
		last.Pairs[i].SynSent = 514 // as after a loss of events
	}
	f := only(t, Judge(last))
	if f.Cause != HalfOpen || !f.Since.IsZero() {
		t.Errorf("%s since %v: %s", f.ID, f.Since, f.Summary)
	}
	for _, want := range []string{"498 SYNs sent again and not answered now", "498 of the 500 ports of 10.0.0.1 towards it are taken by such attempts"} {
		if !f.hasText(want) {
			t.Errorf("no %q in %+v", want, f.Evidence)
		}
	}
	if !slices.Contains(f.Wrong, wrongMoreSYNs) || slices.Contains(f.Wrong, wrongMorePorts) {
		t.Errorf("%q", f.Wrong)
	}
}

// A few attempts without an answer take no port that is missing, and those since the start are not older.
func TestSilentWithPortsLeft(t *testing.T) {
	t.Parallel()
	h := newHost(40000, 40499)
	each(0, 10*time.Second, 2, func(at time.Duration, n int) {
		port := 40000 + uint16(n)
		h.connect(connection{at: at, life: -1, port: port})
		cookie := h.cookie
		h.add(at+time.Second, event.SynUnanswered, func(e *event.Event) { e.Src.Port, e.Cookie = port, cookie })
	})
	findings, _ := h.run(t, 10*time.Second)
	f := only(t, findings)
	if f.Cause != HalfOpen || f.Since.IsZero() || !slices.Contains(f.Wrong, wrongMorePorts) {
		t.Errorf("%s since %v: %s, %q", f.ID, f.Since, f.Summary, f.Wrong)
	}
}

// Where calls found no port for attempts without an answer, it is not said that no port is missing.
func TestSilentFillsPorts(t *testing.T) {
	t.Parallel()
	h := silentBefore(500)
	h.exhausted(0, 5*time.Second)
	findings, _ := h.run(t, 5*time.Second)
	f := only(t, findings)
	if f.Cause != HalfOpen || !slices.Contains(f.Wrong, wrongMoreSYNs) || slices.Contains(f.Wrong, wrongMorePorts) {
		t.Errorf("%s: %q", f.ID, f.Wrong)
	}
}
