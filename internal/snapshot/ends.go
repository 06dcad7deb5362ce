package snapshot

import "github.com/porttrace/porttrace/internal/event"

// Peer is a destination in a network namespace that exists.
type Peer struct {
	Netns  uint32
	Proto  event.Proto
	Remote event.Endpoint
}

// Peer returns the destination of the space. A BindSpace has none: its Remote is zero.
func (s *PortSpace) Peer() Peer { return Peer{s.Netns, s.Proto, s.Remote} }

// End is what is known of the destination of a port space.
type End struct {
	Destination *Destination // nil without a row
	Pairs       []*Pair
	Past        []*PastPair
}

// Ends finds rows by what they are about, so that a host with a thousand port spaces in trouble
// takes one pass over its rows. It reads them when they are needed first: of the ten thousand rows
// of a calm host none. The snapshot must not change meanwhile.
type Ends struct {
	s      *Snapshot
	spaces map[Peer]*End         // of the port spaces
	all    map[Peer]*Destination // every row, once one is needed that is of no port space
	denied map[Peer][]*Failure   // calls that found no port
}

// NewEnds returns the Ends of a snapshot.
func NewEnds(s *Snapshot) Ends { return Ends{s: s} }

// Of returns what is known of the destination of a space.
func (e *Ends) Of(space *PortSpace) *End {
	to := space.Peer()
	e.index()
	if e.spaces[to] == nil { // it is no space of the snapshot
		one := map[Peer]*End{to: {}}
		e.fill(one)
		e.spaces[to] = one[to]
	}
	return e.spaces[to]
}

// Destination returns the row of a peer, of a port space or not; nil without one.
func (e *Ends) Destination(of Peer) *Destination {
	e.index()
	if end := e.spaces[of]; end != nil {
		return end.Destination
	}
	if e.all == nil {
		e.all = make(map[Peer]*Destination, len(e.s.Destinations))
		for i := range e.s.Destinations {
			if d := &e.s.Destinations[i]; !d.NetnsGone {
				e.all[Peer{d.Netns, d.Proto, d.Remote}] = d
			}
		}
	}
	return e.all[of]
}

// Denied returns the calls that found no port of the space.
func (e *Ends) Denied(space *PortSpace) (calls []*Failure) {
	e.indexDenied()
	key := space.Peer()
	if space.Kind == BindSpace {
		key.Remote = event.Endpoint{Addr: space.Local}
	}
	for _, f := range e.denied[key] {
		if space.Denies(f) {
			calls = append(calls, f)
		}
	}
	return calls
}

// index finds the destinations of the port spaces. Few of ten thousand destinations are one.
func (e *Ends) index() {
	if e.spaces != nil {
		return
	}
	e.spaces = make(map[Peer]*End, len(e.s.PortSpaces))
	for i := range e.s.PortSpaces {
		if s := &e.s.PortSpaces[i]; s.Kind == ConnectSpace {
			e.spaces[s.Peer()] = &End{}
		}
	}
	e.fill(e.spaces)
}

// fill adds what the snapshot has of the ends.
func (e *Ends) fill(ends map[Peer]*End) {
	for i := range e.s.Destinations {
		d := &e.s.Destinations[i]
		if end := ends[Peer{d.Netns, d.Proto, d.Remote}]; end != nil && !d.NetnsGone {
			end.Destination = d
		}
	}
	for i := range e.s.Pairs {
		p := &e.s.Pairs[i]
		if end := ends[Peer{p.Netns, p.Proto, p.Remote}]; end != nil && !p.NetnsGone {
			end.Pairs = append(end.Pairs, p)
		}
	}
	for i := range e.s.PastPairs {
		p := &e.s.PastPairs[i]
		if end := ends[Peer{p.Netns, p.Proto, p.Remote}]; end != nil && !p.NetnsGone {
			end.Past = append(end.Past, p)
		}
	}
}

// indexDenied finds the calls that found no port: by destination, or the address of a bind().
func (e *Ends) indexDenied() {
	if e.denied != nil {
		return
	}
	e.denied = map[Peer][]*Failure{}
	for i := range e.s.Failures {
		f := &e.s.Failures[i]
		if f.Reason != event.RangeExhausted || f.NetnsGone {
			continue
		}
		key := Peer{f.Netns, f.Proto, f.Target}
		if f.Op != event.OpConnect {
			key.Remote.Port = 0
		}
		e.denied[key] = append(e.denied[key], f)
	}
}
