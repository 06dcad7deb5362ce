package portspace

import (
	"iter"
	"math/bits"
	"math/rand/v2"
)

// chunkSize is how many records are made at once: 64 KiB of them.
const chunkSize = 1024

// minHeads is the size of an index without entries, and keptChunks is how much room a table keeps
// in any case: what a quiet host needs.
const (
	minHeads   = 256
	keptChunks = 4
)

// record is a Socket in its place in the table. It is 64 bytes long, a line of the processor's
// cache, and has no pointer, so that the garbage collector skips it.
type record struct {
	Socket
	space      uint32 // the number of its space; 0: the record is free
	chain      uint32 // the next record with the same hash
	next, prev uint32 // those of the same space; of a free record: the next free one
}

// sockets are those of all spaces. Records are found by space and port, and are chained by space.
// They are numbered; 0 is none. A record stays where it is until compact moves all of them.
type sockets struct {
	chunks []*[chunkSize]record
	heads  []uint32 // by hash: the first record of a chain; as many as a power of 2
	seed   uint64
	made   uint32 // the highest number that was ever in use
	free   uint32 // the first free record below that
	used   int
}

func newSockets() *sockets {
	return &sockets{heads: make([]uint32, minHeads), seed: rand.Uint64()}
}

func (s *sockets) at(n uint32) *record { return &s.chunks[n/chunkSize][n%chunkSize] }

// bucket returns the head of the chain in which a record is.
func (s *sockets) bucket(space uint32, port uint16) *uint32 {
	h := mix(uint64(space)<<16|uint64(port), s.seed)
	return &s.heads[h&uint64(len(s.heads)-1)]
}

// mix returns a hash that depends on each bit of both. As the seed is not known outside, no program
// can choose ports of one chain.
func mix(value, seed uint64) uint64 {
	high, low := bits.Mul64(value^seed, 0x9e3779b97f4a7c15^seed<<1)
	return high ^ low
}

// find returns the number of the record of a port, 0 if there is none.
func (s *sockets) find(space uint32, port uint16) uint32 {
	n := *s.bucket(space, port)
	for n != 0 {
		r := s.at(n)
		if r.space == space && r.port == port {
			return n
		}
		n = r.chain
	}
	return 0
}

// add makes a record for a port that has none.
func (s *sockets) add(of *Space, port uint16) *record {
	if s.used >= len(s.heads) {
		s.rehash(2 * len(s.heads))
	}
	n := s.take()
	r, head := s.at(n), s.bucket(of.number, port)
	*r = record{space: of.number, chain: *head, next: of.first}
	r.port = port
	*head = n
	if of.first != 0 {
		s.at(of.first).prev = n
	}
	of.first = n
	of.held++
	s.used++
	return r
}

// take returns the number of a record that is free.
func (s *sockets) take() uint32 {
	if n := s.free; n != 0 {
		s.free = s.at(n).next
		return n
	}
	s.made++
	if int(s.made) >= len(s.chunks)*chunkSize {
		s.chunks = append(s.chunks, new([chunkSize]record))
	}
	return s.made
}

// remove frees the record of a port.
func (s *sockets) remove(of *Space, port uint16) {
	link := s.bucket(of.number, port)
	n := *link
	r := s.at(n)
	for r.space != of.number || r.port != port {
		link = &r.chain
		n = *link
		r = s.at(n)
	}
	*link = r.chain
	if r.prev != 0 {
		s.at(r.prev).next = r.next
	} else {
		of.first = r.next
	}
	if r.next != 0 {
		s.at(r.next).prev = r.prev
	}
	*r = record{next: s.free}
	s.free = n
	of.held--
	s.used--
}

// seen is a set of records, by their numbers: those whose sockets a scan has found.
type seen []uint64

// reset empties the set, and makes it large enough for numbers up to the highest.
func (s *seen) reset(highest uint32) {
	size := int(highest)/64 + 1
	if cap(*s) < size || cap(*s) > 4*size {
		*s = make(seen, size)
		return
	}
	*s = (*s)[:size]
	clear(*s)
}

func (s seen) add(n uint32)      { s[n/64] |= 1 << (n % 64) }
func (s seen) has(n uint32) bool { return s[n/64]>>(n%64)&1 != 0 }

func (s *sockets) rehash(heads int) {
	s.heads = make([]uint32, heads)
	for n := uint32(1); n <= s.made; n++ {
		if r := s.at(n); r.space != 0 {
			head := s.bucket(r.space, r.port)
			r.chain, *head = *head, n
		}
	}
}

// isRoomy reports whether most of the records are free.
func (s *sockets) isRoomy() bool {
	return len(s.chunks) > keptChunks && s.used < len(s.chunks)*chunkSize/4
}

// compact gives back the room of free records. Those of a space lie one after another then.
func (s *sockets) compact(all iter.Seq[*Space]) {
	heads := minHeads
	for heads < s.used {
		heads *= 2
	}
	fresh := sockets{heads: make([]uint32, heads), seed: s.seed}
	for space := range all {
		n := space.first
		space.first, space.held = 0, 0
		for n != 0 {
			r := s.at(n)
			fresh.add(space, r.port).Socket = r.Socket
			n = r.next
		}
	}
	*s = fresh
}
