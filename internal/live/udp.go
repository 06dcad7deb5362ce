package live

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/porttrace/porttrace/internal/bounds"
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/portspace"
)

const (
	// udpInterval is how often UDP ports are counted, if that takes less than a hundredth of the
	// time: a list of 20,000 sockets takes some 20 ms.
	udpInterval    = 5 * time.Second
	udpShare       = 100
	maxUDPInterval = 10 * time.Second
	// udpOwnersInterval is how often their owners are listed in any case, for the file limits.
	udpOwnersInterval = time.Minute
	// The sockets of a namespace are listed if they are more than this share of its range, and an
	// address is reported from reportedUDP on: in percent. A host with a few sockets costs nothing.
	listedUDP   = 1
	reportedUDP = 2
)

// udpLister lists the UDP sockets of namespaces.
type udpLister interface {
	// inUse returns how many there are, cheaply.
	inUse(netns uint32) (int, error)
	// list returns them without owners, at most limit.
	list(netns uint32, limit int) ([]udpSocket, error)
	// assignOwners sets the owners of sockets of any namespace, as far as they are known, and
	// returns how many UDP sockets each process has, nil if that is not known.
	assignOwners(sockets [][]udpSocket) map[event.ProcID]int
}

// udpSocket is a UDP socket of a list.
type udpSocket struct {
	portspace.UDPSocket
	id uint64 // identifies it for its lister
}

// udpCounts counts the UDP ports in use, by namespace and local address. It is for one goroutine
// at a time.
type udpCounts struct {
	lister udpLister
	// selected reports whether --pid selects the process, nil: it selects all.
	selected func(event.ProcID) bool
	interval time.Duration // 0: by the cost
	next     event.Time
	reported map[uint32]*udpReported
	owners   map[event.ProcID]int // when they were listed last
	ownersAt event.Time
}

// udpReported is what was reported of a namespace last.
type udpReported struct {
	ports    event.PortRange
	reserved string
	addrs    map[event.Addr]bool
}

func newUDPCounts(l udpLister, selected func(event.ProcID) bool) *udpCounts {
	return &udpCounts{lister: l, selected: selected, reported: map[uint32]*udpReported{}}
}

// due reports whether it is time to count: also if a range has changed, or a call has found no
// port at an address that was not counted.
func (u *udpCounts) due(targets []target, failing []udpAddr, now event.Time) bool {
	if now >= u.next {
		return true
	}
	for i := range targets {
		if last := u.reported[targets[i].inode]; last != nil && (last.ports != targets[i].ports || last.reserved != targets[i].reserved) {
			return true
		}
	}
	return slices.ContainsFunc(failing, func(at udpAddr) bool {
		last := u.reported[at.netns]
		return last == nil || !last.addrs[at.addr]
	})
}

// count returns a UDPCounted for each address that is worth a row.
func (u *udpCounts) count(targets []target, failing []udpAddr, now event.Time) []event.Event {
	events := u.countAll(targets, failing, now)
	cost := monotonic().Sub(now) // and not that of this thread: others enter the namespaces
	u.next = now.Add(cmp.Or(u.interval, min(max(udpInterval, udpShare*cost), maxUDPInterval)))
	return events
}

func (u *udpCounts) countAll(targets []target, failing []udpAddr, now event.Time) []event.Event {
	var counted []target
	var lists [][]udpSocket
	left := bounds.OfProcess().Of(portspace.Limit)
	for _, at := range targets {
		if !at.ports.Known() || !u.isWorthwhile(at, failing) {
			continue
		}
		list, err := u.lister.list(at.inode, left)
		if err != nil {
			continue // it is gone, or may not be read
		}
		left -= len(list)
		counted, lists = append(counted, at), append(lists, list)
	}
	if len(lists) > 0 || now.Sub(u.ownersAt) >= udpOwnersInterval || u.ownersAt == 0 {
		u.owners, u.ownersAt = u.lister.assignOwners(lists), now
	}
	u.forget(targets)
	var events []event.Event
	for i := range counted {
		events = append(events, u.countOne(&counted[i], lists[i], failing, now)...)
	}
	return events
}

// isWorthwhile reports whether the sockets of a namespace are to be listed.
func (u *udpCounts) isWorthwhile(at target, failing []udpAddr) bool {
	if u.reported[at.inode] != nil || slices.ContainsFunc(failing, func(f udpAddr) bool { return f.netns == at.inode }) {
		return true
	}
	n, err := u.lister.inUse(at.inode)
	return err == nil && n*100 >= at.ports.Size()*listedUDP
}

func (u *udpCounts) countOne(at *target, list []udpSocket, failing []udpAddr, now event.Time) []event.Event {
	last := u.reported[at.inode]
	wanted := map[event.Addr]bool{}
	for _, f := range failing {
		if f.netns == at.inode {
			wanted[f.addr] = true
		}
	}
	also := slices.Collect(maps.Keys(wanted))
	if last != nil {
		also = slices.AppendSeq(also, maps.Keys(last.addrs))
	}
	census := portspace.UDPCensus{Netns: at.inode, Ports: at.ports, Reserved: at.reserved, Sockets: make([]portspace.UDPSocket, len(list))}
	for i := range list {
		census.Sockets[i] = list[i].UDPSocket
	}
	next := &udpReported{at.ports, at.reserved, map[event.Addr]bool{}}
	var events []event.Event
	for _, one := range census.Count(also) {
		if wanted[one.Addr] || int(one.Use.Own)*100 >= at.ports.Size()*reportedUDP {
			next.addrs[one.Addr] = true
		} else if last == nil || !last.addrs[one.Addr] { // else it is reported a last time
			continue
		}
		events = append(events, event.Event{
			Time: now, Kind: event.UDPCounted, Proto: event.UDP, Netns: at.inode, Src: event.Endpoint{Addr: one.Addr}, Count: 1,
			Flags: u.flags(one.Use.Holders), Fact: &one.Use,
		})
	}
	delete(u.reported, at.inode)
	if len(next.addrs) > 0 {
		u.reported[at.inode] = next
	}
	return events
}

// flags returns event.NotSelected if --pid selects none of the holders.
func (u *udpCounts) flags(holders []event.UDPHolder) event.Flags {
	if u.selected == nil || slices.ContainsFunc(holders, func(h event.UDPHolder) bool { return u.selected(h.Proc) }) {
		return 0
	}
	return event.NotSelected
}

// forget drops what was reported of namespaces that are gone.
func (u *udpCounts) forget(targets []target) {
	maps.DeleteFunc(u.reported, func(inode uint32, _ *udpReported) bool {
		return !slices.ContainsFunc(targets, func(at target) bool { return at.inode == inode })
	})
}
