package playback

import (
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// Apart is how long calls must not have failed until the next failure is another incident.
const Apart = 10 * time.Second

// Roughly returns the timeline that follows from the counts in a file.
func Roughly(pieces []event.Span) *Timeline {
	t := &Timeline{Rough: true}
	each := (len(pieces) + MaxStretches - 1) / MaxStretches
	for i := range pieces {
		p := &pieces[i]
		if i%each == 0 {
			t.Stretches = append(t.Stretches, Stretch{Begin: p.Begin})
		}
		s := &t.Stretches[len(t.Stretches)-1]
		s.End = max(s.Begin, p.End)
		if p.Damaged {
			s.Damaged = true
			t.note(Incident{Kind: Damage, Begin: p.Begin, End: p.End, Text: "damaged"}, 0)
			continue
		}
		s.Opens += p.Opens
		s.Failures += p.Failures
		if p.Failures > 0 {
			t.note(Incident{Kind: Failing, Begin: p.Begin, End: p.End, Text: "failures"}, Apart)
		}
	}
	return t
}

// note adds an incident, or makes the last one longer if that is of the kind and not over for
// longer than apart.
func (t *Timeline) note(n Incident, apart time.Duration) {
	for i := len(t.Incidents) - 1; i >= 0; i-- {
		if last := &t.Incidents[i]; last.Kind == n.Kind {
			if n.Begin.Sub(last.End) <= apart {
				last.End = n.End
				return
			}
			break
		}
	}
	if len(t.Incidents) < MaxIncidents {
		t.Incidents = append(t.Incidents, n)
	}
}

// MaxIncidents is how many a Timeline has at most.
const MaxIncidents = 1000
