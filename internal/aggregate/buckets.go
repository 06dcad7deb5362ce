package aggregate

import (
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// bucketLife is how long a TIME_WAIT bucket is expected to live: TCP_TIMEWAIT_LEN of
// include/net/tcp.h is 60 s, and the timer wheel of kernel/time/timer.c rounds that up
// in steps of about 2 s. An orphan's FIN_WAIT2 bucket has tcp_fin_timeout, 60 s too
// unless it was set, and becomes a TIME_WAIT when the peer's FIN comes.
const bucketLife = 61 * time.Second

// buckets is the TIME_WAIT backlog by who holds it, in one slot for each second in
// which its buckets are expected to end. The kernel's own count corrects it: a RST
// or a reuse ends a bucket early and nothing traces that.
type buckets struct {
	slots  map[int64]map[holder]uint32
	oldest int64 // no slot is older
	held   map[uint32]int64
	actual map[uint32]int64 // the kernel's own count, by namespace
}

func newBuckets() buckets {
	return buckets{slots: map[int64]map[holder]uint32{}, held: map[uint32]int64{}, actual: map[uint32]int64{}}
}

func (b *buckets) enter(h holder, at event.Time, n uint32) {
	ends := secondOf(at.Add(bucketLife))
	if b.slots[ends] == nil {
		b.slots[ends] = map[holder]uint32{}
	}
	if len(b.slots) == 1 || ends < b.oldest {
		b.oldest = ends
	}
	b.slots[ends][h] += n
	b.move(h, int64(n))
}

func (b *buckets) move(h holder, n int64) {
	b.held[h.netns] += n
	for _, r := range h.rows() {
		if h.inbound {
			r.TimeWaitIn += n
		} else {
			r.TimeWaitOut += n
		}
	}
}

func (b *buckets) expire(now event.Time) {
	for ; b.oldest <= secondOf(now) && len(b.slots) > 0; b.oldest++ {
		for h, n := range b.slots[b.oldest] {
			b.move(h, -int64(n))
		}
		delete(b.slots, b.oldest)
	}
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
	if excess <= 0 || len(b.slots) == 0 {
		return
	}
	newest := b.oldest
	for second := range b.slots {
		newest = max(newest, second)
	}
	for second := b.oldest; second <= newest && excess > 0; second++ {
		for h, held := range b.slots[second] {
			if h.netns != n.Inode || excess <= 0 {
				continue
			}
			gone := min(int64(held), excess)
			excess -= gone
			b.move(h, -gone)
			if b.slots[second][h] -= uint32(gone); b.slots[second][h] == 0 {
				delete(b.slots[second], h)
			}
		}
	}
}

// other is how many buckets the kernel counts that have no owner here: they were
// there before the start.
func (b *buckets) other() int64 {
	var sum int64
	for netns, actual := range b.actual {
		sum += max(actual-b.held[netns], 0)
	}
	return sum
}
