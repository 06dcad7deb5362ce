package tui

import (
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// grouped adds to a snapshot made by hand what groups are made from.
func grouped(s *snapshot.Snapshot) *snapshot.Snapshot {
	for i := range s.Processes {
		p := &s.Processes[i]
		p.Lifetimes = lifetimes(&p.Totals)
		for j := range p.Destinations {
			p.Destinations[j].Proto = event.TCP
			p.Destinations[j].Lifetimes = lifetimes(&p.Destinations[j].Totals)
		}
		s.Pairs = append(s.Pairs, p.Destinations...)
	}
	if s.OtherProcesses != nil {
		s.Past = []snapshot.Past{{Identity: snapshot.Identity{Others: true}, Process: *s.OtherProcesses}}
	}
	return s
}

// lifetimes has about these quantiles.
func lifetimes(t *snapshot.Totals) (l snapshot.Lifetimes) {
	for _, part := range []struct {
		value time.Duration
		n     int
	}{{t.LifetimeP50, 90}, {max(t.LifetimeP50, t.LifetimeP99), 10}} {
		for range part.n {
			if t.LifetimeP50 != 0 {
				l.Add(part.value)
			}
		}
	}
	return l
}
