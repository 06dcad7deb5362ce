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
	counts, err := p.counts()
	if err != nil {
		return dst, err
	}
	var folded uint64
	for _, c := range counts {
		folded += c.Folded + c.Filtered + c.Limited
	}
	// Failures that were delivered one by one have an entry until the swap, too.
	failures := counts[bpfEventKindKIND_CONNECT_FAIL].Seen + counts[bpfEventKindKIND_BIND_FAIL].Seen
	changed := p.limiter.judge(now)
	if folded+failures == p.folded && !changed {
		p.limiter.swapped(now) // nothing is there that a swap would bring
		return dst, nil
	}
	p.folded = folded + failures
	if dst, err = p.readFolds(dst, changed, now); err != nil {
		return dst, err
	}
	if dst, err = p.readFails(dst); err != nil {
		return dst, err
	}
	return p.limiter.report(dst, now), nil
}

// readFolds has the pairs that are limited now counted in the kernel, if these have changed.
func (p *Probe) readFolds(dst []event.Event, limitsChanged bool, now event.Time) ([]event.Event, error) {
	add := func(k *bpfFoldKey, c *bpfFoldCounts) {
		if c.Last == 0 { // limited, and nothing happened
			return
		}
		e := foldEvent(k, c)
		if c.Limited != 0 {
			p.limiter.count(*k, e.Fact.(*event.Fold))
		}
		dst = append(dst, e)
	}
	read := eachCounted[bpfFoldKey, bpfFoldCounts]
	if limitsChanged {
		read = eachSwapped[bpfFoldKey, bpfFoldCounts]
	}
	if err := read(p, foldMap, add); err != nil {
		return dst, err
	}
	p.limiter.swapped(now)
	if limitsChanged {
		if err := p.maps["pt_limited"].Put(uint32(0), uint32(len(p.limiter.limited))); err != nil {
			return dst, fmt.Errorf("limiting detail: %w", err)
		}
	}
	return dst, eachCounted(p, "pt_owner_folds", add)
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

// foldMap has an entry of each pair that is limited, from the beginning.
const foldMap = "pt_folds"

// eachCounted calls f for every entry of the inner map, which is empty afterwards but for limited
// pairs. An inner map without an entry is not swapped, since swapping waits for all programs.
func eachCounted[K, V any](p *Probe, outer string, f func(*K, *V)) error {
	var first K
	if err := p.maps[p.counted[outer].Name].NextKey(nil, &first); errors.Is(err, ebpf.ErrKeyNotExist) {
		return nil
	}
	return eachSwapped(p, outer, f)
}

func eachSwapped[K, V any](p *Probe, outer string, f func(*K, *V)) error {
	old, err := p.swap(outer, p.counted[outer])
	if err != nil {
		return err
	}
	defer old.Close()
	return eachEntry(old, f)
}

// swap replaces the inner map by a fresh one and returns the old one.
func (p *Probe) swap(outer string, inner *ebpf.MapSpec) (*ebpf.Map, error) {
	fresh, err := ebpf.NewMap(inner)
	if err == nil && outer == foldMap {
		err = p.limiter.prepare(fresh)
	}
	if err != nil {
		fresh.Close()
		return nil, fmt.Errorf("creating a map of counts: %w", err)
	}
	if err := p.maps[outer].Put(uint32(0), fresh); err != nil {
		fresh.Close()
		return nil, fmt.Errorf("swapping a map of counts: %w", err)
	}
	old := p.maps[inner.Name]
	p.maps[inner.Name] = fresh
	return old, nil
}

// eachEntry calls f for every entry of a map to which no program writes any more.
func eachEntry[K, V any](m *ebpf.Map, f func(*K, *V)) error {
	const size = 1024
	var (
		cursor ebpf.MapBatchCursor
		keys   = make([]K, size)
		values = make([]V, size)
	)
	for {
		n, err := m.BatchLookup(&cursor, keys, values, nil)
		for i := range n {
			f(&keys[i], &values[i])
		}
		if errors.Is(err, ebpf.ErrKeyNotExist) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading a map of counts: %w", err)
		}
	}
}

// foldEvent returns one Folded for an entry of the map of folds.
func foldEvent(k *bpfFoldKey, c *bpfFoldCounts) event.Event {
	e := event.Event{
		Time:      event.Time(c.Last),
		Kind:      event.Folded,
		Direction: event.Direction(k.Direction),
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
