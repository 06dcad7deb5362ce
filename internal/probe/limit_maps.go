package probe

import (
	"errors"
	"fmt"
	"time"
	"unsafe"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/linux"
)

// Limiting reports whether the connections of any pair are only counted now.
func (p *Probe) Limiting() bool { return p.limiter.active() > 0 }

// LimitDue returns how long it takes until there are pairs to limit, at the pace at which events come:
// what is read later than that, is read beyond the limit.
func (p *Probe) LimitDue() time.Duration { return p.limiter.due() }

// hurryLimits limits pairs as soon as too many events have come. sent is when each of these was sent.
func (p *Probe) hurryLimits(sent []event.Time) error {
	p.limiter.paced(len(sent), event.Time(linux.Monotonic()))
	if len(sent) == 0 {
		return nil
	}
	return p.setLimits(p.limiter.hurry(sent[len(sent)-1]), nil)
}

// setLimits has the kernel count the pairs that begin to be limited, and send those that end.
func (p *Probe) setLimits(begun, ended []*limitedPair) error {
	if len(begun)+len(ended) == 0 {
		return nil
	}
	err := p.maps["pt_limited"].Put(uint32(0), uint32(p.limiter.active()))
	for _, pair := range begun { // the slot has its number before any connection has
		read := make([]bpfFoldCounts, 1)
		err = errors.Join(err, p.readSlots(read, pair.slot()), p.maps["pt_limited_numbers"].Put(pair.slot(), pair.number),
			p.maps["pt_limited_pairs"].Put(&pair.key, pair.number))
		pair.read = read[0]
	}
	for _, pair := range ended {
		err = errors.Join(err, p.maps["pt_limited_pairs"].Delete(&pair.key), p.maps["pt_limited_numbers"].Put(pair.slot(), uint32(0)))
	}
	if err != nil {
		return fmt.Errorf("limiting detail: %w", err)
	}
	return nil
}

// readLimited appends what was counted of limited pairs since the last call, and which began or ceased
// to be limited.
func (p *Probe) readLimited(dst []event.Event, now event.Time) ([]event.Event, error) {
	dst = p.limiter.appendBegun(dst, now)
	counts, err := p.limitedCounts()
	if err != nil {
		return dst, err
	}
	dst = p.limiter.appendRead(dst, counts, now)
	return dst, p.setLimits(p.limiter.judge(now))
}

// limitedCounts returns the counts of all slots up to the last one that is in use.
func (p *Probe) limitedCounts() ([]bpfFoldCounts, error) {
	slots := 0
	for _, pair := range p.limiter.limited {
		slots = max(slots, int(pair.slot())+1)
	}
	counts := make([]bpfFoldCounts, slots)
	return counts, p.readSlots(counts, 0)
}

// readSlots reads the counts of slots from this one on.
func (p *Probe) readSlots(counts []bpfFoldCounts, slot uint32) error {
	const size = unsafe.Sizeof(bpfFoldCounts{})
	bytes := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(counts))), uintptr(len(counts))*size)
	if _, err := p.slots.ReadAt(bytes, int64(slot)*int64(size)); err != nil {
		return fmt.Errorf("reading the counts of limited pairs: %w", err)
	}
	return nil
}

// minus returns what was counted since then. First is not counted.
func (c *bpfFoldCounts) minus(then *bpfFoldCounts) bpfFoldCounts {
	return bpfFoldCounts{
		Last:           c.Last,
		Opens:          c.Opens - then.Opens,
		Closes:         c.Closes - then.Closes,
		Binds:          c.Binds - then.Binds,
		TimeWait:       c.TimeWait - then.TimeWait,
		EnterCloseWait: c.EnterCloseWait - then.EnterCloseWait,
		LeaveCloseWait: c.LeaveCloseWait - then.LeaveCloseWait,
		EnterSynSent:   c.EnterSynSent - then.EnterSynSent,
		LeaveSynSent:   c.LeaveSynSent - then.LeaveSynSent,
		EarlyBinds:     c.EarlyBinds - then.EarlyBinds,
		Resets:         c.Resets - then.Resets,
		Lifetimes:      c.Lifetimes - then.Lifetimes,
	}
}
