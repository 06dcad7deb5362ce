package lab

import (
	"context"
	"time"
)

// pacer spaces the rounds of a loop evenly. A round that comes late is not made
// up for, so a slow connect does not end in a burst.
type pacer struct {
	every time.Duration // 0: no pause
	next  time.Time
}

// newPacer returns that of one of several loops that share a rate: they take turns.
func newPacer(perSecond float64, number, loops int) *pacer {
	if perSecond == 0 {
		return &pacer{}
	}
	between := time.Duration(float64(time.Second) / perSecond)
	return &pacer{every: time.Duration(loops) * between, next: time.Now().Add(time.Duration(number) * between)}
}

// wait returns when the next round is due; false once ctx is done.
func (p *pacer) wait(ctx context.Context) bool {
	if p.every == 0 {
		return ctx.Err() == nil
	}
	select {
	case <-ctx.Done():
		return false
	case <-time.After(time.Until(p.next)):
	}
	if now := time.Now(); now.After(p.next.Add(p.every)) {
		p.next = now
	}
	p.next = p.next.Add(p.every)
	return true
}
