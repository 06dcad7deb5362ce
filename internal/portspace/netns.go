package portspace

import (
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// Netns is a network namespace: the range that its spaces share, and the ports in it
// that a bind() owns.
type Netns struct {
	fact     event.Netns
	usable   *bitmap
	total    int // ports in usable
	sockets  int // that hold ports of its spaces
	owned    map[uint16]*Owned
	inRange  int // of owned
	bound    growth
	doubted  bool // a part of the stream is missing
	Census   event.Census
	CensusAt event.Time // 0: never
}

// Owned is a port that a bind() owns: no connect() of the namespace can take it.
type Owned struct {
	Proc    event.ProcID
	Local   event.Addr
	State   event.State // StateBound or StateListen; 0: only connections are left of it
	Before  bool
	sockets int    // connections and buckets that keep it
	look    uint32 // that found it last
}

func newNetns(inode uint32) *Netns {
	return &Netns{
		fact: event.Netns{Inode: inode, TimeWait: -1}, usable: &bitmap{}, owned: map[uint16]*Owned{},
	}
}

// Fact is what the stream has said of the namespace.
func (n *Netns) Fact() event.Netns { return n.fact }

// Capacity is the number of ports that are not reserved, 0 where the range is not known.
func (n *Netns) Capacity() int { return n.total }

// Bound is how many of those a bind() owns.
func (n *Netns) Bound() int { return n.inRange }

// configure takes a new configuration and reports whether the usable ports are others now.
func (n *Netns) configure(fact *event.Netns) bool {
	if !fact.Ports.Known() { // only a count has come, or a name
		kept := n.fact
		n.fact = *fact
		n.fact.Cookie, n.fact.Ports, n.fact.Reserved = kept.Cookie, kept.Ports, kept.Reserved
		n.fact.Reuse, n.fact.ReuseDelay, n.fact.MaxTimeWait = kept.Reuse, kept.ReuseDelay, kept.MaxTimeWait
		n.fact.TimerStep, n.fact.TimerAt = kept.TimerStep, kept.TimerAt
		return false
	}
	changed := n.fact.Ports != fact.Ports || n.fact.Reserved != fact.Reserved
	n.fact = *fact
	if changed {
		n.usable = usable(fact.Ports, fact.Reserved)
		n.total = n.usable.count(fact.Ports)
		n.inRange = 0
		bound := 0
		for port, o := range n.owned {
			n.inRange += n.one(port)
			if o.State == event.StateBound {
				bound += n.one(port)
			}
		}
		n.bound = steady(bound)
	}
	return changed
}

func (n *Netns) one(port uint16) int {
	if n.usable.has(port) {
		return 1
	}
	return 0
}

// Overlaps reports whether a socket's own range counts: some of it lies inside the
// namespace's.
func (n *Netns) Overlaps(own event.PortRange) bool {
	all := n.fact.Ports
	return own.Known() && own.High >= all.Low && own.Low <= all.High
}

// ownedIn is the number of ports of a range that a bind() owns.
func (n *Netns) ownedIn(r event.PortRange) int {
	sum := 0
	for port := range n.owned {
		if r.Holds(port) {
			sum += n.one(port)
		}
	}
	return sum
}

// own notes that a bind() owns the port.
func (n *Netns) own(port uint16) *Owned {
	o := n.owned[port]
	if o == nil {
		o = &Owned{}
		n.owned[port] = o
		n.inRange += n.one(port)
	}
	return o
}

// become changes what a port is bound for.
func (n *Netns) become(o *Owned, state event.State, e *event.Event) {
	change := 0
	if o.State == event.StateBound {
		change--
	}
	if state == event.StateBound {
		change++
	}
	o.State = state
	if change != 0 && n.usable.has(e.Src.Port) {
		n.bound.add(change, e.Time, e.Flags.Has(event.BeforeStart))
	}
}

// BoundGrowth is how many more ports of the range are bound each second, and no more than
// bound: no connection will set them free.
func (n *Netns) BoundGrowth(now event.Time) float64 { return n.bound.rate(now) }

// disown drops the port when nothing is left that keeps it.
func (n *Netns) disown(port uint16) {
	if o := n.owned[port]; o != nil && o.State == 0 && o.sockets <= 0 {
		delete(n.owned, port)
		n.inRange -= n.one(port)
	}
}

// TimeWaitEnds is when the kernel ends a TIME_WAIT bucket that was made at a time: after
// TimeWaitLength, at the next step of its timer wheel.
func (n *Netns) TimeWaitEnds(made event.Time) event.Time {
	step := event.Time(n.fact.TimerStep)
	if step <= 0 {
		return made.Add(TimeWaitLength + time.Second) // half a step, at 250 Hz
	}
	due := made.Add(TimeWaitLength)
	into := (due - n.fact.TimerAt) % step
	if into < 0 {
		into += step
	}
	return due - into + step
}

func (n *Netns) reuseDelay() time.Duration {
	if n.fact.ReuseDelay != 0 {
		return time.Duration(n.fact.ReuseDelay)
	}
	return time.Second // what it was before tcp_tw_reuse_delay (ca6a6f93867a, 6.14)
}

// Owns reports whether a bind() owns the port.
func (n *Netns) Owns(port uint16) bool { return n.owned[port] != nil }

// Owner is who owns the port by a bind().
func (n *Netns) Owner(port uint16) Owned {
	if o := n.owned[port]; o != nil {
		return *o
	}
	return Owned{}
}

// EachOwned calls f for every port that a bind() owns and that connect() could take else,
// in no order.
func (n *Netns) EachOwned(f func(port uint16, owned Owned)) {
	for port, o := range n.owned {
		if n.usable.has(port) {
			f(port, *o)
		}
	}
}
