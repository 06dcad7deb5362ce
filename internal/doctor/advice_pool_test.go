package doctor

import (
	"strings"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// TestPoolSaysWhatWasMeasured has loads of which the least size of a pool would be said to be
// what is in use.
func TestPoolSaysWhatWasMeasured(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"nginx", "haproxy", "apache2", "node", "python3", "java", "psql", "unknown"} {
		for life, want := range map[time.Duration]string{
			0:                     "to begin with: how many are needed at a time was not measured",
			10 * time.Millisecond: "the least that is sensible: on average fewer than 1 is in use at a time",
			time.Second:           "on average 20 are in use at a time",
		} {
			l := narrowChurn(program)
			l.wanted, l.life = 20, life
			s := l.seen()
			if life == 0 {
				s.Pairs[0].Lifetimes, s.Pairs[0].Totals = snapshot.Lifetimes{}, snapshot.Totals{}
				s.PortSpaces[0].Exhausted = 1
			}
			text := show(advised(s, Churn, l.subject()))
			if !strings.Contains(text, want) || strings.Contains(text, "about 4") {
				t.Errorf("%s, %v lacks %q:%s", program, life, want, text)
			}
		}
	}
}

// TestUnknownProgramGetsNoCode has a load whose program is not known: code in whatever language is
// a guess.
func TestUnknownProgramGetsNoCode(t *testing.T) {
	t.Parallel()
	for _, cause := range []Cause{Churn, Leak, EarlyBind, NarrowRange} {
		l := narrowChurn("unknown")
		s := l.seen()
		s.PortSpaces[0].Holders, s.PortSpaces[0].Victims, s.Processes = nil, nil, nil
		subject := l.subject()
		subject.Proc = event.ProcID{}
		text := show(advised(s, cause, subject))
		for _, code := range []string{"Go:", "written in Go", "http.", "defer"} {
			if strings.Contains(text, code) {
				t.Errorf("%s has %q:%s", cause, code, text)
			}
		}
	}
}

// TestLatePortIsAmongTheFirst has bind() without a port as the cause, and in a range that is too
// narrow as well.
func TestLatePortIsAmongTheFirst(t *testing.T) {
	t.Parallel()
	for cause, most := range map[Cause]int{EarlyBind: 0, NarrowRange: 1} {
		l := narrowChurn("python3")
		l.wanted = 10
		s := l.seen()
		space := s.PortSpaces[0]
		space.Kind, space.Remote = snapshot.BindSpace, event.Endpoint{}
		s.PortSpaces = append(s.PortSpaces, space)
		subject := l.subject()
		subject.Remote = event.Endpoint{}
		if cause == NarrowRange { // older than the trace: towards which remote ends is not known
			s.PortSpaces[1].Holders, subject.Proc = nil, event.ProcID{}
		}
		f := simulated(s, cause, subject)
		at := -1
		for i, a := range f.Advice {
			if at < 0 && strings.Contains(a.Action, "IP_BIND_ADDRESS_NO_PORT") {
				at = i
			}
		}
		if at < 0 || at > most {
			t.Errorf("%s: it is at %d:%s", cause, at, show(f))
		} else if cause == NarrowRange && f.Advice[at].Effect != "" {
			t.Errorf("an effect by a guess: %s", f.Advice[at].Effect)
		}
	}
}
