package portspace

import (
	"slices"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// bucketLimit keeps how many buckets of a namespace count for tcp_max_tw_buckets and are not
// in the table: those of accepted connections outside the range. A count by the kernel is of
// another moment than the table, so of the last few the smallest holds.
type bucketLimit struct {
	others [3]int
	next   int
	ended  event.Time // when those that were due were dropped last
}

// update takes the kernel's count.
func (l *bucketLimit) update(n *Netns) {
	if n.fact.TimeWait < 0 {
		return
	}
	l.others[l.next] = max(int(n.fact.TimeWait)-n.buckets, 0)
	l.next = (l.next + 1) % len(l.others)
}

// BucketRoom returns how many more buckets the kernel makes in the namespace: a close beyond
// tcp_max_tw_buckets leaves none (inet_twsk_alloc, net/ipv4/inet_timewait_sock.c).
func (n *Netns) BucketRoom() int64 {
	limit := n.fact.MaxTimeWait
	if limit == 0 && n.fact.FinTimeout == 0 { // the settings are not known
		return 1 << 31
	}
	return max(limit-int64(n.buckets+slices.Min(n.limited.others[:])), 0)
}

// refuse takes the bucket from a close that finds no room for it, as the kernel has done. One
// that was looked up is there.
func (t *Table) refuse(e *event.Event) {
	const bucket = event.TimeWait | event.FinWait2
	n := t.Netns(e.Netns)
	if e.Proto != event.TCP || e.Flags&bucket == 0 || e.Inferred&event.FieldTimeWait == 0 || n.BucketRoom() > 0 || t.hasBucket(e) {
		return
	}
	t.dropDue(n, e.Time)
	if n.BucketRoom() == 0 {
		e.Flags &^= bucket | event.NoTimestamps
	}
}

// hasBucket reports whether the table has a bucket at the event's 4-tuple.
func (t *Table) hasBucket(e *event.Event) bool {
	s := t.space(e)
	if s == nil {
		return false
	}
	socket := s.socket(e.Src.Port)
	return socket != nil && socket.State == event.StateTimeWait
}

// dropDue drops the buckets of the namespace that have ended within this second, to make room:
// Advance drops those of whole seconds.
func (t *Table) dropDue(n *Netns, now event.Time) {
	const often = 20 * time.Millisecond
	if now.Sub(n.limited.ended) < often {
		return
	}
	n.limited.ended = now
	for _, x := range t.expiries.slots[(t.expiries.done+1)%slots] {
		if s, socket := t.bucket(x); socket != nil && s.net == n && socket.Expiry <= now {
			t.drop(s, *socket)
		}
	}
}
