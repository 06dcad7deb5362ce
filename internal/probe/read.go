package probe

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cilium/ebpf"

	"github.com/porttrace/porttrace/internal/event"
)

// Read appends everything that is in both rings to dst, in the order in which it was sent.
// It never waits, and must be called a few times a second: programs do not wake the reader,
// since a wake-up costs ten times as much as an event.
func (p *Probe) Read(dst []event.Event) ([]event.Event, error) {
	begin := len(dst)
	var err error
	// Failures second: their ring also has the facts of every process that the events name.
	if dst, p.sent, err = drain(p.events, dst, p.sent[:0], p.limiter.observe); err != nil {
		return dst, err
	}
	if err = p.hurryLimits(p.sent); err != nil {
		return dst, err
	}
	p.catchSkipped()
	if p.failed, p.failedAt, err = drain(p.failures, p.failed[:0], p.failedAt[:0], nil); err != nil {
		return dst, err
	}
	return merge(dst, begin, p.sent, p.failed, p.failedAt), nil
}

// merge inserts the few failures into the many events that begin at dst[begin], by the
// time at which each was sent. It works from the back, so that it needs no other buffer.
func merge(dst []event.Event, begin int, sent []event.Time, failed []event.Event, failedAt []event.Time) []event.Event {
	ascend(sent)
	ascend(failedAt)
	i := len(dst) - 1
	dst = append(dst, failed...)
	to := len(dst) - 1
	for j := len(failed) - 1; j >= 0; to-- {
		if i >= begin && sent[i-begin] >= failedAt[j] {
			dst[to] = dst[i]
			i--
			continue
		}
		dst[to] = failed[j]
		j--
	}
	return dst
}

// ascend raises each stamp that is lower than the one before it to that one: the program was
// interrupted between taking the time and sending. Otherwise a listener, which is among the
// failures, could come after the connections that it accepted.
func ascend(stamps []event.Time) {
	for i := 1; i < len(stamps); i++ {
		stamps[i] = max(stamps[i], stamps[i-1])
	}
}

// sentMeanwhile is room for the events that are sent between the moment at which the room is made and
// the one at which reading begins: one event too many would have all of them copied.
const sentMeanwhile = 64

// drain appends the events of a ring and when each was sent. observe, if it is not nil, gets every
// record.
func drain(r *ring, events []event.Event, stamps []event.Time, observe func(record []byte)) ([]event.Event, []event.Time, error) {
	if most := r.waiting()/(connEventSize+ringHeaderSize) + sentMeanwhile; cap(events)-len(events) < most {
		events = slices.Grow(events, most+most/4)
	}
	err := r.each(func(record []byte) error {
		events = append(events, event.Event{})
		stamp, err := decode(record, &events[len(events)-1])
		stamps = append(stamps, stamp)
		if observe != nil && err == nil {
			observe(record)
		}
		return err
	})
	if err != nil {
		return events, stamps, fmt.Errorf("reading events: %w", err)
	}
	return events, stamps, nil
}

// pendingAfter is how long a bind() may take between its two cgroup programs before it
// counts as failed: it is one function call in the kernel, but can be preempted. At the end
// of a trace pendingAtEnd applies, so that failures of the last moment are reported.
const (
	pendingAfter = 100 * time.Millisecond
	pendingAtEnd = time.Millisecond
)

// ReadPendingBinds appends the bind() calls that started and did not succeed. Only the
// cgroup rung has any; see bpf/cgroup.bpf.h.
func (p *Probe) ReadPendingBinds(dst []event.Event, now event.Time, last bool) ([]event.Event, error) {
	var (
		m       = p.maps["pt_binds"]
		thread  uint64
		pending bpfSockEvent
		failed  []uint64
		after   = pendingAfter
	)
	if last {
		after = pendingAtEnd
	}
	for it := m.Iterate(); it.Next(&thread, &pending); {
		if now.Sub(event.Time(pending.Head.Ts)) > after {
			failed = append(failed, thread)
		}
	}
	for _, thread := range failed {
		err := take(m, thread, &pending)
		if errors.Is(err, ebpf.ErrKeyNotExist) {
			continue
		}
		if err != nil {
			return dst, fmt.Errorf("reading pending binds: %w", err)
		}
		pending.Head.Kind = uint32(bpfEventKindKIND_BIND_FAIL)
		if has(pending.Flags, bpfEventFlagFLAG_FILTERED) {
			continue
		}
		var e event.Event
		decodeSock(&pending, &e)
		dst = append(dst, e)
	}
	return dst, nil
}

// take reads and deletes an entry. Hashes can do both at once since 5.14 (3e87f192b405);
// before, a bind() that the thread starts in between is lost.
func take(m *ebpf.Map, key, value any) error {
	err := m.LookupAndDelete(key, value)
	if !errors.Is(err, ebpf.ErrNotSupported) {
		return err
	}
	if err := m.Lookup(key, value); err != nil {
		return err
	}
	return m.Delete(key)
}
