package doctor

import (
	"strings"
	"testing"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// Ports that are bound early are chosen by connect() first, unless the remote end takes more of them than
// there are: then more ports come first, whether the effects are known or not.
func TestEarlyBindAdviceInOrder(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		wanted float64
		first  string
	}{{12, "IP_BIND_ADDRESS_NO_PORT"}, {200, "Set the port range"}} {
		l := narrowChurn("python")
		l.wanted = tc.wanted
		s := l.seen()
		s.PortSpaces[0].Kind, s.PortSpaces[0].Remote = snapshot.BindSpace, event.Endpoint{}
		s.Processes[0].EarlyBinds = s.Processes[0].Opens
		s.Processes[0].Rates.Failures = l.wanted - s.Processes[0].Rates.Opens
		subject := l.subject()
		subject.Remote = event.Endpoint{}
		f := advised(s, EarlyBind, subject)
		if !strings.Contains(f.Advice[0].Action, tc.first) {
			t.Errorf("%.0f/s:%s", tc.wanted, show(f))
		}
		if Effects(s, f); !strings.Contains(f.Advice[0].Action, tc.first) || !strings.HasPrefix(f.Advice[0].Effect, "survives") {
			t.Errorf("%.0f/s, simulated:%s", tc.wanted, show(f))
		}
	}
}

// A program that is run for each request has no pool to be made larger.
func TestRunForEachRequest(t *testing.T) {
	t.Parallel()
	l := narrowChurn("mycurl")
	s := l.seen()
	s.Processes[0].Opens = 1
	for range 20 {
		p := s.Processes[0]
		p.Info.ID.PID++
		s.Processes = append(s.Processes, p)
	}
	if text := show(advised(s, Churn, l.subject())); !strings.Contains(text, "by one process of mycurl for many requests") || strings.Contains(text, "Go") {
		t.Error(text)
	}
	if text := show(advised(l.seen(), Churn, l.subject())); strings.Contains(text, "one process of mycurl") {
		t.Error(text)
	}
}

// Of advice that is equally safe, what the load fails with comes last.
func TestFailingAdviceIsLast(t *testing.T) {
	t.Parallel()
	for _, cause := range allCauses {
		s, subject := everything("nginx")
		f := simulated(s, cause, subject)
		for i := range f.Advice[1:] {
			if a, b := &f.Advice[i], &f.Advice[i+1]; a.Safety > b.Safety || a.Safety == b.Safety && a.fails && !b.fails {
				t.Errorf("%s:%s", cause, show(f))
			}
		}
	}
}
