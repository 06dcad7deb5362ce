package portspace

import (
	"slices"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// slots is enough for every second in which a bucket that exists now can expire, see
// longestBucket: TIME_WAIT can be set to 600 s where it can be set.
const slots = 2048

// maxSpareExpiries bounds the room for expiries that is kept to be used again: half a MiB.
const maxSpareExpiries = 1 << 16

// leastExpiries is for how many expiries a slot has room at least.
const leastExpiries = 8

// expiryQueue holds when buckets expire, in one slot for each second.
type expiryQueue struct {
	slots  [slots][]expiry
	spare  [][]expiry // of slots that were emptied, to be used again
	spared int        // how many expiries have room there
	done   int64      // the last second whose slot was emptied
}

// expiry is small and without a pointer: there is one for every bucket.
type expiry struct {
	space uint32 // its number
	birth uint16 // and its birth: the number is that of another one by now, if they differ
	port  uint16
}

func second(t event.Time) int64 { return int64(t) / int64(time.Second) }

// secondAfter returns the second at whose beginning the moment is over.
func secondAfter(t event.Time) int64 { return second(t + event.Time(time.Second) - 1) }

// schedule notes a future expiry in the slot of the second at whose beginning the bucket is
// dropped. One beyond the slots is noted in the last of them, and again when that is due.
func (q *expiryQueue) schedule(x expiry, at event.Time) {
	slot := min(max(secondAfter(at), q.done+1), q.done+slots-1) % slots
	if n := len(q.spare); n > 0 && q.slots[slot] == nil {
		q.slots[slot], q.spare = q.spare[n-1], q.spare[:n-1]
		q.spared -= cap(q.slots[slot])
	}
	list := q.slots[slot]
	if len(list) == cap(list) { // append would add a quarter, again and again: a storm fills a slot with 30,000
		list = slices.Grow(list, max(len(list), leastExpiries))
	}
	q.slots[slot] = append(list, x)
}

// advance calls f for every port whose bucket may have expired by now, in the order of
// seconds. f must check with the socket table whether it has.
func (q *expiryQueue) advance(now event.Time, f func(expiry)) {
	to := second(now)
	for at := max(q.done+1, to-slots+1); at <= to; at++ {
		list := q.slots[at%slots]
		q.slots[at%slots] = nil // what is put off goes to another slot
		q.done = at
		for _, x := range list {
			f(x)
		}
		if cap(list) > 0 && q.spared+cap(list) <= maxSpareExpiries {
			q.spare = append(q.spare, list[:0])
			q.spared += cap(list)
		}
	}
	q.done = max(q.done, to)
}

// each calls f for every scheduled expiry, the soonest second first, until f returns false.
func (q *expiryQueue) each(f func(expiry) bool) {
	for at := q.done + 1; at < q.done+slots; at++ {
		for _, x := range q.slots[at%slots] {
			if !f(x) {
				return
			}
		}
	}
}
