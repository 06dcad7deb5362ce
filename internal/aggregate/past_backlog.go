package aggregate

import (
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// pastBacklog is the sockets of pairs without a row: of those whose group has one for the
// destination, and of all the others.
type pastBacklog struct {
	pairs  map[pastPair]gauges
	rest   gauges
	groups map[event.ProcID]snapshot.Identity // nil: no group has a row
}

func newPastBacklog(p *past) (b pastBacklog) {
	if len(p.pairs.rows) > 0 || p.pairs.other != nil {
		b.pairs, b.groups = map[pastPair]gauges{}, map[event.ProcID]snapshot.Identity{}
	}
	return b
}

func (b *pastBacklog) add(s *State, r *socketRun) {
	if b.groups == nil {
		return
	}
	group, known := b.groups[r.pair.proc]
	if !known {
		group = snapshot.IdentityOf(s.whois(r.pair.proc))
		b.groups[r.pair.proc] = group
	}
	if key := (pastPair{group, r.pair.dest}); s.past.pairs.rows[key] != nil {
		b.pairs[key] = b.pairs[key].plus(r.gauges)
	} else {
		b.rest = b.rest.plus(r.gauges)
	}
}
