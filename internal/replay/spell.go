package replay

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// spell is a time in which the same thing happened again and again.
type spell[K comparable] struct {
	key         K
	begin, last event.Time
	number      int
	weight      uint64         // failures, or the capacity of a full space
	target      event.Endpoint // of the first
	several     bool           // targets
	inferred    event.Field
}

const (
	maxGoing = 256 // spells that go on
	maxOver  = 350 // and those that are over, the heaviest
)

// spells are those of all subjects, bounded.
type spells[K comparable] struct {
	apart time.Duration // after which it is another spell
	going map[K]*spell[K]
	over  []*spell[K]
	made  int
}

func newSpells[K comparable](apart time.Duration) spells[K] {
	return spells[K]{apart: apart, going: map[K]*spell[K]{}}
}

// at returns the spell that goes on at a moment, which may be new. Moments come in order.
func (s *spells[K]) at(key K, now event.Time) *spell[K] {
	one := s.going[key]
	if one != nil && now.Sub(one.last) > s.apart {
		s.end(one)
		one = nil
	}
	if one == nil {
		if len(s.going) >= maxGoing {
			s.end(s.oldest())
		}
		s.made++
		one = &spell[K]{key: key, begin: now, number: s.made}
		s.going[key] = one
	}
	one.last = max(one.last, now)
	return one
}

// oldest returns the one for which nothing has happened for longest.
func (s *spells[K]) oldest() *spell[K] {
	return slices.MinFunc(slices.Collect(maps.Values(s.going)), func(a, b *spell[K]) int {
		return cmp.Or(cmp.Compare(a.last, b.last), cmp.Compare(a.number, b.number))
	})
}

func (s *spells[K]) end(one *spell[K]) {
	delete(s.going, one.key)
	s.over = append(s.over, one)
	if len(s.over) >= 2*maxOver {
		s.trim()
	}
}

// trim gives up the lightest.
func (s *spells[K]) trim() {
	slices.SortFunc(s.over, func(a, b *spell[K]) int {
		return cmp.Or(cmp.Compare(b.weight, a.weight), cmp.Compare(a.number, b.number))
	})
	s.over = s.over[:min(len(s.over), maxOver)]
}

// all returns the spells, with those that go on.
func (s *spells[K]) all() []*spell[K] {
	for _, one := range s.going {
		s.over = append(s.over, one)
	}
	clear(s.going)
	s.trim()
	return s.over
}
