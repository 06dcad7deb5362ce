package probe

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"

	"github.com/porttrace/porttrace/internal/event"
)

// ReadFolds appends the occurrences that were folded since the last call, and which pairs began or
// ceased to be limited. It swaps the maps of counts for empty ones and then reads the old ones:
// updating an outer map waits until no program uses the old inner map any more
// (maybe_wait_bpf_programs() of kernel/bpf/syscall.c).
func (p *Probe) ReadFolds(dst []event.Event, now event.Time) ([]event.Event, error) {
	dst, err := p.readLimited(dst, now)
	if err != nil {
		return dst, err
	}
	counts, err := p.counts()
	if err != nil {
		return dst, err
	}
	var folded uint64
	for _, c := range counts {
		folded += c.Folded + c.Filtered
	}
	// Failures that were delivered one by one have an entry until the swap, too.
	failures := counts[bpfEventKindKIND_CONNECT_FAIL].Seen + counts[bpfEventKindKIND_BIND_FAIL].Seen
	if folded+failures == p.folded { // nothing is there that a swap would bring
		return dst, nil
	}
	p.folded = folded + failures
	if dst, err = p.readCounted(dst); err != nil {
		return dst, err
	}
	return p.readFails(dst)
}

func (p *Probe) readCounted(dst []event.Event) ([]event.Event, error) {
	for _, name := range [...]string{"pt_folds", "pt_owner_folds"} {
		err := eachCounted(p, name, func(k *bpfFoldKey, c *bpfFoldCounts) { dst = append(dst, foldEvent(k, c)) })
		if err != nil {
			return dst, err
		}
	}
	return dst, nil
}

func (p *Probe) readFails(dst []event.Event) ([]event.Event, error) {
	for _, name := range [...]string{"pt_fails", "pt_owner_fails"} {
		err := eachCounted(p, name, func(k *bpfFailKey, c *bpfFailCounts) {
			if c.Folded != 0 {
				dst = append(dst, failEvent(k, c))
			}
		})
		if err != nil {
			return dst, err
		}
	}
	return dst, nil
}

// eachCounted calls f for every entry of the inner map, which is empty afterwards. An inner map
// without an entry is not swapped, since swapping waits for all programs.
func eachCounted[K, V any](p *Probe, outer string, f func(*K, *V)) error {
	var first K
	current := p.maps[innerMaps[outer]]
	if err := current.NextKey(nil, &first); errors.Is(err, ebpf.ErrKeyNotExist) {
		return nil
	}
	if err := p.swap(outer); err != nil {
		return fmt.Errorf("swapping a map of counts: %w", err)
	}
	if err := takeEntries(current, f); err != nil {
		return fmt.Errorf("reading a map of counts: %w", err)
	}
	return nil
}

// swap replaces the inner map by the other one, which is made the first time: to make one takes ten
// milliseconds, since the kernel allocates all of its entries.
func (p *Probe) swap(outer string) error {
	inner := innerMaps[outer]
	if p.spares[inner] == nil {
		fresh, err := ebpf.NewMap(p.counted[outer])
		if err != nil {
			return err
		}
		p.spares[inner] = fresh
		p.mapBytes += kernelBytes(map[string]*ebpf.Map{inner: fresh})
	}
	if err := p.maps[outer].Put(uint32(0), p.spares[inner]); err != nil {
		return err
	}
	p.maps[inner], p.spares[inner] = p.spares[inner], p.maps[inner]
	return nil
}

// takeEntries calls f for every entry of a map to which no program writes any more, and deletes it.
func takeEntries[K, V any](m *ebpf.Map, f func(*K, *V)) error {
	const size = 1024
	var (
		cursor ebpf.MapBatchCursor
		keys   = make([]K, size)
		values = make([]V, size)
	)
	for {
		n, err := m.BatchLookupAndDelete(&cursor, keys, values, nil)
		for i := range n {
			f(&keys[i], &values[i])
		}
		if errors.Is(err, ebpf.ErrKeyNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// foldEvent returns one Folded for an entry of the map of folds.
func foldEvent(k *bpfFoldKey, c *bpfFoldCounts) event.Event {
	e := event.Event{
		Time:      event.Time(c.Last),
		Kind:      event.Folded,
		Direction: direction(k.Direction),
		Proto:     event.Proto(k.Proto),
		Netns:     k.Netns,
		Proc:      owner(k.Pid, k.Start),
		First:     event.Time(c.First),
		Last:      event.Time(c.Last),
	}
	fold := &event.Fold{
		Opens:          c.Opens,
		Binds:          c.Binds,
		EnterCloseWait: c.EnterCloseWait,
		LeaveCloseWait: c.LeaveCloseWait,
		EnterSynSent:   c.EnterSynSent,
		LeaveSynSent:   c.LeaveSynSent,
		EarlyBinds:     c.EarlyBinds,
	}
	endpoint := event.Endpoint{Addr: k.Addr, Port: k.Port}
	switch e.Direction {
	case event.Out:
		e.Dst, fold.ClosesOut, fold.TimeWaitOut = endpoint, c.Closes, c.TimeWait
		fold.ResetsOut, fold.Lifetimes = c.Resets, c.Lifetimes
	case event.In:
		e.Src, fold.ClosesIn, fold.TimeWaitIn = endpoint, c.Closes, c.TimeWait
	default:
		// The key has the remote endpoint of closes of sockets older than the trace, and the
		// local one of binds; neither counts for a destination.
		fold.ClosesUnknown = c.Closes
		if c.Binds != 0 {
			e.Src = endpoint
		} else {
			e.Dst = endpoint
		}
	}
	if k.Filtered != 0 {
		e.Flags |= event.NotSelected
	}
	e.Fact = fold
	return e
}

// failEvent returns one failure with its Count for an entry of the map of failures.
func failEvent(k *bpfFailKey, c *bpfFailCounts) event.Event {
	e := event.Event{
		Time:  event.Time(c.Last),
		Kind:  event.ConnectFail,
		Proto: event.Proto(k.Proto),
		Op:    op(k.Op),
		Errno: event.Errno(k.Err),
		Netns: k.Netns,
		Proc:  owner(k.Pid, k.Start),
		Dst:   event.Endpoint{Addr: k.Addr, Port: k.Port},
		Count: c.Folded,
		First: event.Time(c.First),
		Last:  event.Time(c.Last),
	}
	if e.Op == event.OpConnect {
		e.Direction = event.Out
	} else {
		e.Kind, e.Src, e.Dst = event.BindFail, e.Dst, event.Endpoint{}
	}
	e.Reason = reason(bpfEventReason(k.Reason), &e)
	if has(k.Flags, bpfEventFlagFLAG_ERRNO_INFERRED) {
		e.Inferred = event.FieldErrno | event.FieldReason
	}
	if has(k.Flags, bpfEventFlagFLAG_HAS_PORT) {
		e.Flags |= event.HadPort
	}
	if has(k.Flags, bpfEventFlagFLAG_UNANSWERED) {
		e.Flags |= event.Unanswered
	}
	if k.Filtered != 0 {
		e.Flags |= event.NotSelected
	}
	return e
}
