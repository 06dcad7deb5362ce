package aggregate

import (
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/history"
	"github.com/porttrace/porttrace/internal/portspace"
)

// bucketSlots is enough for every second in which a bucket that exists now can expire: 600 s
// is the longest TIME_WAIT that a kernel can be set to. When that is, the namespace knows.
const bucketSlots = 620

// buckets are those of the TIME_WAIT backlog that the table of sockets does not hold: those
// of accepted connections, which take no port of the range, and those that were counted in
// the kernel and not delivered one by one. They stand in one slot for each second in which
// they are expected to expire. The kernel's own count corrects them: a RST or the reuse of a
// port ends a bucket early and no event reports that.
type buckets struct {
	slots   [bucketSlots]slot // by the second modulo bucketSlots
	expired int64             // the last second whose slot was emptied
	entries int               // of all slots
	room    int               // with more of them they are merged
	held    map[uint32]int64  // by namespace
	actual  map[uint32]int64  // the kernel's own count of all, by namespace
}

// slot is the buckets that end in one second, in the order in which they began, so that
// the same stream always loses the same ones.
type slot struct {
	index map[rowSet]int
	held  []heldBuckets
}

type heldBuckets struct {
	rowSet
	n int64
}

func newBuckets() buckets {
	return buckets{room: leastRowSets, held: map[uint32]int64{}, actual: map[uint32]int64{}}
}

func (b *buckets) at(second int64) *slot { return &b.slots[second%bucketSlots] }

// enter takes in buckets that end at a time. They are held until the second is over: the
// kernel's count takes away what has ended before.
func (b *buckets) enter(h rowSet, at event.Time, n int64) {
	ends := min(history.SecondOf(at)+1, b.expired+bucketSlots-1)
	if ends <= b.expired {
		return // reported too late: it has gone
	}
	s := b.at(ends)
	before := len(s.held)
	s.add(h, n)
	b.move(h, n)
	if b.entries += len(s.held) - before; b.entries > b.room {
		b.merge()
	}
}

// merge makes one entry of those of a slot that count for the same rows by now: most rows of a storm to
// 100,000 destinations are evicted long before its buckets end.
func (b *buckets) merge() {
	b.entries = 0
	for i := range b.slots {
		s := &b.slots[i]
		held := s.held
		*s = slot{}
		for _, one := range held {
			if one.n != 0 {
				s.add(one.current(), one.n)
			}
		}
		b.entries += len(s.held)
	}
	b.room = max(leastRowSets, 2*b.entries)
}

func (s *slot) add(h rowSet, n int64) {
	if last := len(s.held) - 1; last >= 0 && s.held[last].rowSet == h {
		s.held[last].n += n
		return
	}
	i, ok := s.index[h]
	if !ok {
		if s.index == nil {
			s.index = map[rowSet]int{}
		}
		i = len(s.held)
		s.index[h] = i
		s.held = append(s.held, heldBuckets{rowSet: h})
	}
	s.held[i].n += n
}

func (b *buckets) move(h rowSet, n int64) {
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
	second := history.SecondOf(now)
	for at := max(b.expired+1, second-bucketSlots+1); at <= second; at++ {
		s := b.at(at)
		for _, held := range s.held {
			b.move(held.rowSet, -held.n)
		}
		b.entries -= len(s.held)
		*s = slot{}
	}
	b.expired = max(b.expired, second)
}

// trim takes the kernel's count for a namespace: if it is less than the attributed buckets
// of the table and those held here, the oldest of these have ended early.
func (b *buckets) trim(n *event.Netns, attributed int64) {
	if n.TimeWait < 0 {
		delete(b.actual, n.Inode)
		return
	}
	b.actual[n.Inode] = n.TimeWait
	excess := b.held[n.Inode] - max(n.TimeWait-attributed, 0)
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
			b.move(held.rowSet, -gone)
		}
	}
}

// trimScanned drops the buckets that the scans have found, which are in the table by now. The
// kernel's count was taken with them.
func (s *State) trimScanned() {
	for _, inode := range s.untrimmed {
		s.buckets.trim(s.world.Netns(inode), int64(s.table.Netns(inode).Attributed()))
	}
	s.untrimmed = s.untrimmed[:0]
}

// unattributed returns how many buckets the kernel counts that are neither here nor in the
// table, in the namespaces of which all is selected.
func (b *buckets) unattributed(table *portspace.Table, whole func(inode uint32) bool) int64 {
	var sum int64
	for netns, actual := range b.actual {
		if !whole(netns) {
			continue
		}
		sum += max(actual-b.held[netns]-int64(table.Netns(netns).Attributed()), 0)
	}
	return sum
}
