package aggregate

import (
	"github.com/porttrace/porttrace/internal/event"
)

// bucketSlots is enough for every second in which a bucket that lives now can end. When
// that is, the namespace knows. An orphan's FIN_WAIT2 bucket has tcp_fin_timeout, 60 s
// too unless it was set, and becomes a TIME_WAIT when the peer's FIN comes.
const bucketSlots = 80

// buckets is the TIME_WAIT backlog by who holds it, in one slot for each second in
// which its buckets are expected to end. The kernel's own count corrects it: a RST
// or a reuse ends a bucket early and nothing traces that.
type buckets struct {
	slots   [bucketSlots]slot // by the second modulo bucketSlots
	expired int64             // the last second whose slot was emptied
	held    map[uint32]int64
	actual  map[uint32]int64 // the kernel's own count, by namespace
}

// slot is the buckets that end in one second, in the order in which they began, so that
// the same stream always loses the same ones.
type slot struct {
	index map[holder]int
	held  []heldBuckets
}

type heldBuckets struct {
	holder
	n int64
}

func newBuckets() buckets {
	return buckets{held: map[uint32]int64{}, actual: map[uint32]int64{}}
}

func (b *buckets) at(second int64) *slot { return &b.slots[second%bucketSlots] }

// enter takes in buckets that end at a time. They are held until the second is over: the
// kernel's count takes away what has ended before.
func (b *buckets) enter(h holder, at event.Time, n int64) {
	ends := min(secondOf(at)+1, b.expired+bucketSlots-1)
	if ends <= b.expired {
		return // told of too late: it has gone
	}
	b.at(ends).add(h, n)
	b.move(h, n)
}

func (s *slot) add(h holder, n int64) {
	if last := len(s.held) - 1; last >= 0 && s.held[last].holder == h {
		s.held[last].n += n
		return
	}
	i, ok := s.index[h]
	if !ok {
		if s.index == nil {
			s.index = map[holder]int{}
		}
		i = len(s.held)
		s.index[h] = i
		s.held = append(s.held, heldBuckets{holder: h})
	}
	s.held[i].n += n
}

func (b *buckets) move(h holder, n int64) {
	b.held[h.netns] += n
	if b.held[h.netns] == 0 {
		delete(b.held, h.netns)
	}
	for _, r := range h.rows() {
		switch {
		case r == nil:
		case h.inbound:
			r.TimeWaitIn += n
		default:
			r.TimeWaitOut += n
		}
	}
}

func (b *buckets) expire(now event.Time) {
	second := secondOf(now)
	for at := max(b.expired+1, second-bucketSlots+1); at <= second; at++ {
		s := b.at(at)
		for _, held := range s.held {
			b.move(held.holder, -held.n)
		}
		*s = slot{}
	}
	b.expired = max(b.expired, second)
}

// trim takes the kernel's count for a namespace: where it is less than what is held
// here, the oldest have ended early.
func (b *buckets) trim(n *event.Netns) {
	if n.TimeWait < 0 {
		delete(b.actual, n.Inode)
		return
	}
	b.actual[n.Inode] = n.TimeWait
	excess := b.held[n.Inode] - n.TimeWait
	for second := b.expired + 1; second <= b.expired+bucketSlots && excess > 0; second++ {
		s := b.at(second)
		for i := range s.held {
			held := &s.held[i]
			if held.netns != n.Inode {
				continue
			}
			gone := min(held.n, excess)
			held.n -= gone
			excess -= gone
			b.move(held.holder, -gone)
		}
	}
}

// other is how many buckets the kernel counts that have no owner here: their connections
// were there before the start.
func (b *buckets) other() int64 {
	var sum int64
	for netns, actual := range b.actual {
		sum += max(actual-b.held[netns], 0)
	}
	return sum
}
