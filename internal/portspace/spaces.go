package portspace

import (
	"encoding/binary"
	"iter"
	"math/rand/v2"
)

// spaces are the port spaces in which sockets hold ports. Each has a number, which the records of
// its sockets have, too, from 1 on; the number of one that has ended is used again.
type spaces struct {
	slots []*Space // by number; nil: free
	free  []uint32
	heads []uint32 // by hash of the ID: the first of a chain; as many as a power of 2
	seed  uint64
	used  int
	made  uint32 // so far, ended ones too
}

func newSpaces() spaces {
	return spaces{slots: make([]*Space, 1), heads: make([]uint32, minHeads), seed: rand.Uint64()}
}

func (s *spaces) bucket(id *ID) *uint32 { return &s.heads[id.hash(s.seed)&uint64(len(s.heads)-1)] }

func (id *ID) hash(seed uint64) uint64 {
	h := mix(uint64(id.Netns)<<32|uint64(id.Device), seed)
	for _, a := range [...]*[16]byte{(*[16]byte)(&id.Local), (*[16]byte)(&id.Remote.Addr)} {
		h = mix(h^binary.LittleEndian.Uint64(a[:8]), seed)
		h = mix(h^binary.LittleEndian.Uint64(a[8:]), seed)
	}
	return mix(h^uint64(id.Remote.Port), seed)
}

// find returns the space with an ID, nil if there is none.
func (s *spaces) find(id *ID) *Space {
	for n := *s.bucket(id); n != 0; {
		one := s.slots[n]
		if one.ID == *id {
			return one
		}
		n = one.chain
	}
	return nil
}

// numbered returns the space with a number, nil if none has it.
func (s *spaces) numbered(n uint32) *Space {
	if int(n) >= len(s.slots) {
		return nil
	}
	return s.slots[n]
}

// add gives a space its number.
func (s *spaces) add(one *Space) {
	if s.used >= len(s.heads) {
		s.rehash(2 * len(s.heads))
	}
	s.made++
	one.birth = uint16(s.made)
	if last := len(s.free) - 1; last >= 0 {
		one.number, s.free = s.free[last], s.free[:last]
		s.slots[one.number] = one
	} else {
		one.number = uint32(len(s.slots))
		s.slots = append(s.slots, one)
	}
	head := s.bucket(&one.ID)
	one.chain, *head = *head, one.number
	one.next, one.net.space = one.net.space, one.number
	if one.next != 0 {
		s.slots[one.next].prev = one.number
	}
	s.used++
}

func (s *spaces) remove(one *Space) {
	link := s.bucket(&one.ID)
	for *link != one.number {
		link = &s.slots[*link].chain
	}
	*link = one.chain
	if one.prev != 0 {
		s.slots[one.prev].next = one.next
	} else {
		one.net.space = one.next
	}
	if one.next != 0 {
		s.slots[one.next].prev = one.prev
	}
	s.slots[one.number] = nil
	s.free = append(s.free, one.number)
	s.used--
}

func (s *spaces) rehash(heads int) {
	s.heads = make([]uint32, heads)
	for one := range s.all() {
		head := s.bucket(&one.ID)
		one.chain, *head = *head, one.number
	}
}

// all iterates over the spaces, in no order. Those that the body of the loop adds or removes do no
// harm.
func (s *spaces) all() iter.Seq[*Space] {
	return func(yield func(*Space) bool) {
		for _, one := range s.slots {
			if one != nil && !yield(one) {
				return
			}
		}
	}
}

// of iterates over the spaces of a namespace, in no order: on a host with thousands of namespaces a
// pass over all spaces for each would take seconds. The body of the loop may remove the one it has.
func (s *spaces) of(n *Netns) iter.Seq[*Space] {
	return func(yield func(*Space) bool) {
		for number := n.space; number != 0; {
			one := s.slots[number]
			number = one.next
			if !yield(one) {
				return
			}
		}
	}
}

// isRoomy reports whether most numbers are free.
func (s *spaces) isRoomy() bool { return len(s.slots) > chunkSize && s.used < len(s.slots)/4 }

// compact gives back the room of free numbers, as far as they are the highest ones: a space keeps
// its number.
func (s *spaces) compact() {
	end := len(s.slots)
	for end > 1 && s.slots[end-1] == nil {
		end--
	}
	s.slots = append(make([]*Space, 0, end), s.slots[:end]...)
	s.free = nil
	for n := 1; n < end; n++ {
		if s.slots[n] == nil {
			s.free = append(s.free, uint32(n))
		}
	}
	heads := minHeads
	for heads < s.used {
		heads *= 2
	}
	s.rehash(heads)
}
