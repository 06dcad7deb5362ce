package kerneltest

import (
	"fmt"

	"github.com/porttrace/porttrace/internal/event"
)

// books hold what came of the whole host against the counters that the kernel side
// always keeps: everything it saw was delivered, folded, filtered or lost.
type books struct {
	health    event.Health // the newest
	delivered uint64
	counted   uint64 // occurrences in folds
	// What cannot be told apart: binds that user space found to have failed are in no
	// counter, and folds do not tell listeners and answered SYNs.
	pendingBinds uint64
	untold       bool
}

func (b *books) enter(e *event.Event) {
	switch e.Kind {
	case event.Folded:
		b.enterFold(e.Fact.(*event.Fold))
	case event.ConnectFail, event.BindFail:
		if e.First != 0 {
			b.counted += e.Count
			return
		}
		b.delivered++
		if e.Op == event.OpBind && e.Inferred != 0 {
			b.pendingBinds++
		}
	case event.HealthKnown:
		b.health = *e.Fact.(*event.Health)
	case event.SynUnanswered:
		b.untold = true
		b.delivered++
	default:
		if e.Kind.AboutSocket() || e.Kind == event.Listen {
			b.delivered++
		}
	}
}

func (b *books) enterFold(f *event.Fold) {
	n := f.Opens + f.ClosesOut + f.ClosesIn + f.ClosesUnknown + f.Binds + f.EnterCloseWait + f.EnterSynSent
	b.counted += n
	if n == 0 || f.EnterSynSent+f.LeaveSynSent > 0 {
		b.untold = true
	}
}

// difference says what is wrong, if anything is.
func (b *books) difference() string {
	h := &b.health
	folded := h.LostDetails + h.Filtered
	switch {
	case h.Events > b.delivered, h.Events+b.pendingBinds < b.delivered:
		return fmt.Sprintf("the kernel delivered %d events, %d came (%d of them binds that failed unseen)", h.Events, b.delivered, b.pendingBinds)
	case folded < b.counted, folded > b.counted && !b.untold:
		return fmt.Sprintf("the kernel folded %d and filtered %d, folds hold %d", h.LostDetails, h.Filtered, b.counted)
	}
	return ""
}
