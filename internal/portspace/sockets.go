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
	next, prev uint32 // those of the same space; of a free record: the next free one
}

// link leads to a record: its number, and above that bits of the hash of its space and port, so that
// a record is read only if it is very likely the one that is searched for. 0 is none.
type link uint32

// numberBits is for all records that a table can have.
const numberBits = 20

const _ = uint(1<<numberBits - 1 - Limit) // does not compile if they are not enough

func linkTo(n uint32, hash uint64) link { return link(n | uint32(hash>>(32+numberBits))<<numberBits) }

func (l link) number() uint32 { return uint32(l) & (1<<numberBits - 1) }

// has reports whether the link's bits are of that hash.
func (l link) has(hash uint64) bool { return uint32(l)>>numberBits == uint32(hash>>(32+numberBits)) }

// chunk is records, and of each the next one with the same hash. Those lie close together, to be in
// the processor's cache.
type chunk struct {
	records [chunkSize]record
	chains  [chunkSize]link
}

// sockets are those of all spaces. Records are found by space and port, and are chained by space.
// They are numbered; 0 is none. A record stays where it is until compact moves all of them.
type sockets struct {
	chunks []*chunk
	heads  []link // by hash: the first record of a chain; as many as a power of 2
	seed   uint64
	made   uint32 // the highest number that was ever in use
	free   uint32 // the first free record below that
	used   int
}

func newSockets() *sockets {
	return &sockets{heads: make([]link, minHeads), seed: rand.Uint64()}
}

func (s *sockets) at(n uint32) *record { return &s.chunks[n/chunkSize].records[n%chunkSize] }

func (s *sockets) chain(n uint32) *link { return &s.chunks[n/chunkSize].chains[n%chunkSize] }

func (s *sockets) hash(space uint32, port uint16) uint64 {
	return mix(uint64(space)<<16|uint64(port), s.seed)
}

// head returns the head of the chain of a hash.
func (s *sockets) head(hash uint64) *link { return &s.heads[hash&uint64(len(s.heads)-1)] }

// mix returns a hash that depends on each bit of both. As the seed is not known outside, no program
// can choose ports of one chain.
func mix(value, seed uint64) uint64 {
	high, low := bits.Mul64(value^seed, 0x9e3779b97f4a7c15^seed<<1)
	return high ^ low
}

// find returns the number of the record of a port, 0 if there is none.
func (s *sockets) find(space uint32, port uint16) uint32 {
	return s.search(space, port).number()
}

// search returns the link to the record of a port, which is 0 if there is none.
func (s *sockets) search(space uint32, port uint16) *link {
	hash := s.hash(space, port)
	l := s.head(hash)
	for *l != 0 {
		n := l.number()
		if l.has(hash) {
			if r := s.at(n); r.space == space && r.port == port {
				break
			}
		}
		l = s.chain(n)
	}
	return l
}

// enter puts a record at the head of its chain.
func (s *sockets) enter(n, space uint32, port uint16) {
	hash := s.hash(space, port)
	head := s.head(hash)
	*s.chain(n), *head = *head, linkTo(n, hash)
}

// add makes a record for a port that has none.
func (s *sockets) add(of *Space, port uint16) *record {
	if s.used >= len(s.heads) {
		s.rehash(2 * len(s.heads))
	}
	n := s.take()
	s.enter(n, of.number, port)
	r := s.at(n)
	*r = record{space: of.number, next: of.first}
	r.port = port
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
		s.chunks = append(s.chunks, new(chunk))
	}
	return s.made
}

// remove frees the record of a port.
func (s *sockets) remove(of *Space, port uint16) {
	l := s.search(of.number, port)
	n := l.number()
	r := s.at(n)
	*l = *s.chain(n)
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
	s.heads = make([]link, heads)
	for n := uint32(1); n <= s.made; n++ {
		if r := s.at(n); r.space != 0 {
			s.enter(n, r.space, r.port)
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
	fresh := sockets{heads: make([]link, heads), seed: s.seed}
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
