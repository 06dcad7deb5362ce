package snapshot

import "github.com/porttrace/porttrace/internal/event"

// MaxSlices is how many slices a PortMap has at most.
const MaxSlices = 512

// PortMap shows what holds each part of a space's port range. The range is cut into slices of
// equal width, one port at least; the last may be narrower.
type PortMap struct {
	Low, High uint16 // the range, inclusive
	Slices    []PortSlice
}

// PortSlice is how many ports of a slice are held by what. Each port is counted once, by what the
// Occupancy of the space counts it for.
type PortSlice struct {
	Ports uint16 // all of the slice

	Open      uint16 // held by a connection whose state is none of the next two
	SynSent   uint16 // the SYN had to be sent again
	CloseWait uint16 // the peer has closed, the owner has not
	TimeWait  uint16 // held by buckets alone, also by those that tcp_tw_reuse would allocate
	Bound     uint16 // owned by a bind(), without a connection of this space
	// Listener is how many are held by a socket that listens, without a connection of this space.
	// Of a ConnectSpace it may listen at any address; a BindSpace has those in its way.
	Listener uint16
	Reserved uint16 // in ip_local_reserved_ports, whatever holds them
}

// InUse returns the number of ports that are held.
func (s *PortSlice) InUse() int {
	return int(s.Open) + int(s.SynSent) + int(s.CloseWait) + int(s.TimeWait) + int(s.Bound) + int(s.Listener)
}

// Free returns the number of ports that nothing holds and that are not reserved.
func (s *PortSlice) Free() int { return int(s.Ports) - s.InUse() - int(s.Reserved) }

// Plus returns the sum of two slices.
func (s PortSlice) Plus(o PortSlice) PortSlice {
	return PortSlice{
		Ports: s.Ports + o.Ports, Open: s.Open + o.Open, SynSent: s.SynSent + o.SynSent, CloseWait: s.CloseWait + o.CloseWait,
		TimeWait: s.TimeWait + o.TimeWait, Bound: s.Bound + o.Bound, Listener: s.Listener + o.Listener, Reserved: s.Reserved + o.Reserved,
	}
}

// SliceWidth returns how many ports a slice of a range has.
func SliceWidth(r event.PortRange) int { return (r.Size() + MaxSlices - 1) / MaxSlices }

// Range returns the ports of the slice with that index.
func (m *PortMap) Range(i int) event.PortRange {
	width := SliceWidth(event.PortRange{Low: m.Low, High: m.High})
	low := int(m.Low) + i*width
	return event.PortRange{Low: uint16(low), High: uint16(min(low+width-1, int(m.High)))}
}

// Total returns the sum of all slices.
func (m *PortMap) Total() (sum PortSlice) {
	for _, s := range m.Slices {
		sum = sum.Plus(s)
	}
	return sum
}

// HeldPorts are the ports of a holder, as the few ranges in which they lie.
type HeldPorts struct {
	// Ranges are those in which the holder has at least half of the ports, next to each other or
	// nearly so: by port, bounded. A single port is a range, if the holder has few.
	Ranges []HeldRange
	// Rest is the other ports and the range in which they are spread; zero: there are none.
	Rest HeldRange
}

// HeldRange is a range and how many of its ports a holder has.
type HeldRange struct {
	event.PortRange
	Ports int
	// Bound is how many of them a bind() owns, whether they are connected or not: at least, as a
	// scan by sock_diag does not show it of connections.
	Bound int
}
