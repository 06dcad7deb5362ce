package verdict

import (
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// peer is a destination in a network namespace that exists.
type peer struct {
	netns  uint32
	proto  event.Proto
	remote event.Endpoint
}

func peerOf(space *snapshot.PortSpace) peer { return peer{space.Netns, space.Proto, space.Remote} }

// index finds rows of a snapshot by what they are about, so that a host with a thousand port spaces
// in trouble takes one pass over its rows.
type index struct {
	pairs  map[peer][]*snapshot.Pair
	dests  map[peer]*snapshot.Destination
	procs  map[event.ProcID]*snapshot.Process
	noPort map[peer][]*snapshot.Failure // by destination, or the address of a bind()
}

func newIndex(s *snapshot.Snapshot) index {
	x := index{
		pairs: make(map[peer][]*snapshot.Pair, len(s.Destinations)), dests: make(map[peer]*snapshot.Destination, len(s.Destinations)),
		procs: make(map[event.ProcID]*snapshot.Process, len(s.Processes)), noPort: map[peer][]*snapshot.Failure{},
	}
	for i := range s.Pairs {
		if p := &s.Pairs[i]; !p.NetnsGone {
			key := peer{p.Netns, p.Proto, p.Remote}
			x.pairs[key] = append(x.pairs[key], p)
		}
	}
	for i := range s.Destinations {
		if d := &s.Destinations[i]; !d.NetnsGone {
			x.dests[peer{d.Netns, d.Proto, d.Remote}] = d
		}
	}
	for i := range s.Processes {
		x.procs[s.Processes[i].Info.ID] = &s.Processes[i]
	}
	for i := range s.Failures {
		if f := &s.Failures[i]; f.Reason == event.RangeExhausted && !f.NetnsGone {
			key := peer{f.Netns, f.Proto, f.Target}
			if f.Op != event.OpConnect {
				key.remote.Port = 0
			}
			x.noPort[key] = append(x.noPort[key], f)
		}
	}
	return x
}

// denied returns the calls that found no port of the space.
func (c *collector) denied(space *snapshot.PortSpace) []*snapshot.Failure {
	key := peerOf(space)
	if space.Kind == snapshot.BindSpace {
		key.remote = event.Endpoint{Addr: space.Local}
	}
	var calls []*snapshot.Failure
	for _, f := range c.rows().noPort[key] {
		if space.Denies(f) {
			calls = append(calls, f)
		}
	}
	return calls
}

// rows returns the index, which is made when it is needed first.
func (c *collector) rows() *index {
	if c.indexed == nil {
		x := newIndex(c.s)
		c.indexed = &x
	}
	return c.indexed
}
