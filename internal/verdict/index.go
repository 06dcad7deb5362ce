package verdict

import (
	"github.com/porttrace/porttrace/internal/doctor"
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
// in trouble takes one pass over its rows. Of the rows of a calm host it holds few.
type index struct {
	ends   map[peer]*ends // of the port spaces
	procs  map[event.ProcID]*snapshot.Process
	noPort map[peer][]*snapshot.Failure // by destination, or the address of a bind()
	dests  map[peer]*snapshot.Destination
}

// ends is what is known of the destination of a port space.
type ends struct {
	pairs []*snapshot.Pair
	dest  *snapshot.Destination // nil without a row
}

func newIndex(s *snapshot.Snapshot) index {
	x := index{ends: make(map[peer]*ends, len(s.PortSpaces)), procs: map[event.ProcID]*snapshot.Process{}, noPort: map[peer][]*snapshot.Failure{}}
	for i := range s.PortSpaces {
		x.ends[peerOf(&s.PortSpaces[i])] = &ends{}
	}
	for i := range s.Pairs {
		p := &s.Pairs[i]
		if p.NetnsGone {
			continue
		}
		at := x.ends[peer{p.Netns, p.Proto, p.Remote}]
		if at != nil {
			at.pairs = append(at.pairs, p)
		}
		if at != nil || p.SynSent > 0 {
			x.procs[p.Proc] = nil
		}
	}
	for i := range s.Destinations {
		d := &s.Destinations[i]
		if at := x.ends[peer{d.Netns, d.Proto, d.Remote}]; at != nil && !d.NetnsGone {
			at.dest = d
		}
	}
	for i := range s.Processes {
		p := &s.Processes[i]
		if _, wanted := x.procs[p.Info.ID]; wanted {
			x.procs[p.Info.ID] = p
		}
	}
	x.addFailures(s)
	return x
}

// addFailures adds the calls that found no port.
func (x *index) addFailures(s *snapshot.Snapshot) {
	for i := range s.Failures {
		if f := &s.Failures[i]; f.Reason == event.RangeExhausted && !f.NetnsGone {
			key := peer{f.Netns, f.Proto, f.Target}
			if f.Op != event.OpConnect {
				key.remote.Port = 0
			}
			x.noPort[key] = append(x.noPort[key], f)
		}
	}
}

// destination returns the row of a peer, of a port space or not; nil without one.
func (c *collector) destination(of peer) *snapshot.Destination {
	x := c.rows()
	if at := x.ends[of]; at != nil {
		return at.dest
	}
	if x.dests == nil {
		x.dests = make(map[peer]*snapshot.Destination, len(c.s.Destinations))
		for i := range c.s.Destinations {
			if d := &c.s.Destinations[i]; !d.NetnsGone {
				x.dests[peer{d.Netns, d.Proto, d.Remote}] = d
			}
		}
	}
	return x.dests[of]
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

// spaceFindings are the findings about port spaces, of which each space takes the most urgent.
type spaceFindings struct {
	exact map[spaceEnds]*doctor.Finding
	early []*doctor.Finding // about ports that are bound early
}

// spaceEnds is what a finding about a port space is about.
type spaceEnds struct {
	netns  uint32
	local  event.Addr
	remote event.Endpoint
	udp    bool
}

func newSpaceFindings(findings []doctor.Finding) spaceFindings {
	x := spaceFindings{exact: map[spaceEnds]*doctor.Finding{}}
	for i := range findings {
		f := &findings[i]
		if !spaceCauses[f.Cause] || f.Severity <= doctor.Info || f.Subject.Port != 0 {
			continue
		}
		ends := spaceEnds{f.Subject.Netns, f.Subject.Local, f.Subject.Remote, f.Cause == doctor.UDPPorts}
		if x.exact[ends] == nil {
			x.exact[ends] = f
		}
		if f.Cause == doctor.EarlyBind {
			x.early = append(x.early, f)
		}
	}
	return x
}

// rows returns the index, which is made when it is needed first.
func (c *collector) rows() *index {
	if c.indexed == nil {
		x := newIndex(c.s)
		c.indexed = &x
	}
	return c.indexed
}
