package event

import (
	"encoding/binary"
	"iter"
)

// FoundList is a list of sockets, of which a storm leaves a hundred thousand: an IPv4 one takes 32
// bytes. What many have in common is kept once. The zero value is an empty list. Copies share what
// they have, so only one of them may be changed.
type FoundList struct {
	parts   [][]foundEntry // all but the last are full
	common  []foundCommon  // each once
	numbers map[foundCommon]uint32
	last    uint32 // the number of the common part that was needed last
	long    []Addr // those of IPv6, and none at all
}

// foundEntry is what a socket has of its own.
type foundEntry struct {
	cookie           uint64
	expiry           Time
	src, dst         uint32 // of IPv4, else an index of long
	srcPort, dstPort uint16
	common           uint32 // a number
}

// foundCommon is the rest.
type foundCommon struct {
	proc        ProcID
	device      uint32
	socketRange PortRange
	flags       Flags
	inferred    Field
	state       State
	direction   Direction
	src4, dst4  bool // the addresses are in the entry
}

const (
	// entriesInPart is how many sockets lie one after another: a list never moves more when it grows.
	entriesInPart = 1 << 10
	// commonInRow is how many common parts are searched one after another: most lists have fewer.
	commonInRow = 8
)

// FoundOf returns a list of sockets.
func FoundOf(sockets ...FoundSocket) FoundList {
	var l FoundList
	for i := range sockets {
		l.Add(&sockets[i])
	}
	return l
}

// Len returns the number of sockets.
func (l *FoundList) Len() int {
	if len(l.parts) == 0 {
		return 0
	}
	return (len(l.parts)-1)*entriesInPart + len(l.parts[len(l.parts)-1])
}

// At returns one of the sockets.
func (l *FoundList) At(i int) FoundSocket {
	e := &l.parts[i/entriesInPart][i%entriesInPart]
	c := &l.common[e.common]
	return FoundSocket{
		Cookie: e.cookie, Expiry: e.expiry, Proc: c.proc, Device: c.device, SocketRange: c.socketRange, Flags: c.flags,
		Inferred: c.inferred, State: c.state, Direction: c.direction,
		Src: Endpoint{l.addr(e.src, c.src4), e.srcPort}, Dst: Endpoint{l.addr(e.dst, c.dst4), e.dstPort},
	}
}

// All returns the sockets by their places.
func (l *FoundList) All() iter.Seq2[int, FoundSocket] {
	return func(yield func(int, FoundSocket) bool) {
		for i := range l.Len() {
			if !yield(i, l.At(i)) {
				return
			}
		}
	}
}

// Devices returns the devices that sockets are bound to; some may be those of sockets that are not in
// the list any more, and some more than once.
func (l *FoundList) Devices() iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		for i := range l.common {
			if device := l.common[i].device; device != 0 && !yield(device) {
				return
			}
		}
	}
}

// Add appends a socket.
func (l *FoundList) Add(f *FoundSocket) {
	n := len(l.parts)
	switch {
	case n == 0: // it may stay small
		l.parts = append(l.parts, nil)
		n++
	case len(l.parts[n-1]) == entriesInPart:
		l.parts = append(l.parts, make([]foundEntry, 0, entriesInPart))
		n++
	}
	l.parts[n-1] = append(l.parts[n-1], l.entry(f))
}

// Set changes one of the sockets.
func (l *FoundList) Set(i int, f *FoundSocket) {
	l.parts[i/entriesInPart][i%entriesInPart] = l.entry(f)
}

// Truncate drops all sockets but the first ones.
func (l *FoundList) Truncate(n int) {
	l.parts = l.parts[:(n+entriesInPart-1)/entriesInPart]
	if rest := n % entriesInPart; rest > 0 {
		last := &l.parts[len(l.parts)-1]
		*last = (*last)[:rest]
	}
}

func (l *FoundList) entry(f *FoundSocket) foundEntry {
	c := foundCommon{
		proc: f.Proc, device: f.Device, socketRange: f.SocketRange, flags: f.Flags, inferred: f.Inferred,
		state: f.State, direction: f.Direction,
	}
	e := foundEntry{cookie: f.Cookie, expiry: f.Expiry, srcPort: f.Src.Port, dstPort: f.Dst.Port}
	e.src, c.src4 = l.place(&f.Src.Addr)
	e.dst, c.dst4 = l.place(&f.Dst.Addr)
	e.common = l.number(&c)
	return e
}

// number returns the number of a common part, which it may add.
func (l *FoundList) number(c *foundCommon) uint32 {
	if int(l.last) < len(l.common) && l.common[l.last] == *c {
		return l.last
	}
	for i := range l.common[:min(len(l.common), commonInRow)] {
		if l.common[i] == *c {
			l.last = uint32(i)
			return l.last
		}
	}
	if n, is := l.numbers[*c]; is {
		l.last = n
		return n
	}
	l.last = uint32(len(l.common))
	l.common = append(l.common, *c)
	if l.last >= commonInRow {
		if l.numbers == nil {
			l.numbers = map[foundCommon]uint32{}
		}
		l.numbers[*c] = l.last
	}
	return l.last
}

// v4Prefix is that of an IPv4 address, as it is mapped to IPv6.
var v4Prefix = [12]byte{10: 0xff, 11: 0xff}

// place returns an address if it is of IPv4, else its index in long.
func (l *FoundList) place(a *Addr) (at uint32, is4 bool) {
	if [12]byte(a[:12]) == v4Prefix {
		return binary.BigEndian.Uint32(a[12:]), true
	}
	if n := len(l.long); n == 0 || l.long[n-1] != *a {
		l.long = append(l.long, *a)
	}
	return uint32(len(l.long) - 1), false
}

func (l *FoundList) addr(at uint32, is4 bool) (a Addr) {
	if !is4 {
		return l.long[at]
	}
	copy(a[:], v4Prefix[:])
	binary.BigEndian.PutUint32(a[12:], at)
	return a
}
