package aggregate

import (
	"bytes"
	"cmp"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/history"
	"github.com/porttrace/porttrace/internal/snapshot"
)

const (
	// shownUDP is the share of its capacity, in percent, from which on a space of UDP has a row
	// without a failure. Most hosts have a few UDP sockets, and need not see them.
	shownUDP = 5
	// udpKept is how long a count holds: it comes every 10 s at least while there is something to
	// count.
	udpKept = time.Minute
)

// udpKey identifies a port space of UDP: a local address.
type udpKey struct {
	netns uint32
	addr  event.Addr
}

// udpSpace is what is known of one.
type udpSpace struct {
	udpKey
	use       *event.UDPUse // the newest count, nil: none
	at        event.Time    // of the count
	peak      int
	peakAt    event.Time
	fullSince event.Time // 0: by the newest count it is not full

	exhausted     uint64 // calls that found no port
	lastExhausted event.Time
	failures      history.History
	counted       bool // the filter selects the newest count
	selected      bool // a call that the filter selects failed
}

// udpSpaces are those of all namespaces, bounded.
type udpSpaces map[udpKey]*udpSpace

func (u udpSpaces) of(key udpKey) *udpSpace {
	s := u[key]
	if s == nil {
		if len(u) >= maxUDPSpaces {
			u.evict()
		}
		s = &udpSpace{udpKey: key}
		u[key] = s
	}
	return s
}

// evict gives up the one that nothing has happened to for longest.
func (u udpSpaces) evict() {
	var oldest *udpSpace
	for _, s := range u {
		if oldest == nil || s.compare(oldest) < 0 {
			oldest = s
		}
	}
	delete(u, oldest.udpKey)
}

func (s *udpSpace) compare(other *udpSpace) int {
	return cmp.Or(cmp.Compare(max(s.at, s.lastExhausted), max(other.at, other.lastExhausted)),
		cmp.Compare(s.netns, other.netns), bytes.Compare(s.addr[:], other.addr[:]))
}

// addUDP takes a count.
func (s *State) addUDP(e *event.Event, use *event.UDPUse) {
	space := s.udp.of(udpKey{e.Netns, e.Src.Addr})
	space.use, space.at, space.counted = use, e.Time, !e.Flags.Has(event.NotSelected)
	if space.counted {
		s.scope.events++
	}
	if used := int(use.InUse); used > space.peak {
		space.peak, space.peakAt = used, e.Time
	}
	switch occupancy := s.udpOccupancy(space); {
	case !occupancy.IsFull():
		space.fullSince = 0
	case space.fullSince == 0:
		space.fullSince = e.Time
	}
}

// addUDPFailure takes n calls that found no port.
func (s *State) addUDPFailure(e *event.Event, n uint64) {
	space := s.udp.of(udpKey{e.Netns, e.Src.Addr})
	space.exhausted += n
	space.lastExhausted = max(space.lastExhausted, e.Time, e.Last)
	space.failures.Add(e.Time, snapshot.Point{Failures: uint32(n)})
	space.selected = space.selected || !e.Flags.Has(event.NotSelected)
}

// udpOccupancy returns how full the space is. Without a count of now, and of the range of now,
// nothing is known.
func (s *State) udpOccupancy(space *udpSpace) event.Occupancy {
	n := s.table.Netns(space.netns)
	fact := n.Fact()
	use := space.use
	if use == nil || s.now.Sub(space.at) > udpKept || use.Ports != fact.Ports || use.Reserved != fact.Reserved {
		return event.Occupancy{}
	}
	return event.Occupancy{Capacity: n.Capacity(), Bound: int(use.InUse)}
}

// udpSpaces adds those in which calls failed, or in which sockets of the address itself have a
// share of the ports: what sockets of other addresses have is shown with theirs.
func (b *spaceRows) udpSpaces() {
	for _, space := range b.udp {
		if occupancy := b.udpOccupancy(space); b.isListedUDP(space, &occupancy) {
			b.add(b.udpRow(space, occupancy))
		}
	}
}

func (s *State) isListedUDP(space *udpSpace, o *event.Occupancy) bool {
	busy := o.Capacity > 0 && int(space.use.Own)*100 >= o.Capacity*shownUDP
	return (busy || space.exhausted > 0) && s.showsUDP(space)
}

// showsUDP reports whether the filter selects the sockets that were counted, or a process that has
// failed there or holds a port. A recording has that of its own filter with each count.
func (s *State) showsUDP(space *udpSpace) bool {
	if space.counted || space.selected {
		return true
	}
	if space.use != nil {
		for _, h := range space.use.Holders {
			if s.processes.rows[h.Proc] != nil && h.Proc.Known() {
				return true
			}
		}
	}
	return false
}

func (b *spaceRows) udpRow(space *udpSpace, occupancy event.Occupancy) *spaceRow {
	clock, fact := b.world.Clock, b.table.Netns(space.netns).Fact()
	row := &spaceRow{udp: space, id: bindID(space.netns, 0, space.addr), PortSpace: snapshot.PortSpace{
		Kind: snapshot.BindSpace, Netns: space.netns, NetnsName: b.world.Netns(space.netns).Name, Proto: event.UDP,
		Local: space.addr, Range: fact.Ports, Occupancy: occupancy,
		Exhausted: space.exhausted, LastExhausted: wallTime(clock, space.lastExhausted),
		ExhaustionRate: space.failures.Rates(b.started, b.now).Failures,
	}}
	row.Wanted = row.ExhaustionRate // how many calls found a port is not seen
	if occupancy.Capacity > 0 {
		row.Peak, row.PeakAt = space.peak, wallTime(clock, space.peakAt)
	}
	if row.IsFull() {
		row.FullSince = wallTime(clock, space.fullSince)
		row.FullBeforeStart = space.fullSince.Sub(b.started) < firstUDPCount
	}
	return row
}

// firstUDPCount is how long the first count may take.
const firstUDPCount = 2 * time.Second

// addUDPHolders adds the processes that hold most of the ports.
func (b *spaceRows) addUDPHolders(row *spaceRow) {
	if row.Capacity == 0 {
		return
	}
	left := row.InUse()
	for _, h := range row.udp.use.Holders[:min(len(row.udp.use.Holders), maxHolders)] {
		row.Holders = append(row.Holders, snapshot.Holder{Proc: *b.whois(h.Proc), HeldCount: snapshot.HeldCount{Bound: int(h.Ports)}})
		left -= int(h.Ports)
	}
	row.OtherHolders.Bound = max(left, 0)
}

// restart lets the counts begin with zero, and the peaks with what is in use.
func (u udpSpaces) restart() {
	for key, space := range u {
		*space = udpSpace{udpKey: key, use: space.use, at: space.at, counted: space.counted, fullSince: space.fullSince}
		if space.use != nil {
			space.peak, space.peakAt = int(space.use.InUse), space.at
		}
	}
}

func (u udpSpaces) forgetNetns(inode uint32) {
	for key := range u {
		if key.netns == inode {
			delete(u, key)
		}
	}
}
