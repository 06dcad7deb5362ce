package kerneltest

import (
	"fmt"

	"github.com/porttrace/porttrace/internal/event"
)

// ledger compares what came from the whole host with the counters that the kernel side
// always keeps: everything that it saw was delivered, folded, filtered or lost.
type ledger struct {
	health       event.Health // the newest
	delivered    uint64
	folded       uint64 // occurrences in folds
	pendingBinds uint64 // failed binds that user space found: they are in no counter
	incomplete   bool   // there were listeners or answered SYNs, which folds do not count
}

func (l *ledger) add(e *event.Event) {
	switch e.Kind {
	case event.Folded:
		l.addFold(e.Fact.(*event.Fold))
	case event.ConnectFail, event.BindFail:
		if e.First != 0 {
			l.folded += e.Count
			return
		}
		l.delivered++
		if e.Op == event.OpBind && e.Inferred != 0 {
			l.pendingBinds++
		}
	case event.HealthKnown:
		l.health = *e.Fact.(*event.Health)
	case event.DetailLimited:
	case event.SynUnanswered:
		l.incomplete = true
		l.delivered++
	default:
		if e.Kind.AboutSocket() || e.Kind == event.Listen || e.Kind == event.ListenEnd {
			l.delivered++
		}
	}
}

func (l *ledger) addFold(f *event.Fold) {
	n := f.Opens + f.ClosesOut + f.ClosesIn + f.ClosesUnknown + f.Binds + f.EnterCloseWait + f.EnterSynSent
	l.folded += n
	if n == 0 || f.EnterSynSent+f.LeaveSynSent > 0 {
		l.incomplete = true
	}
}

// difference describes what does not agree; it returns "" if all does.
func (l *ledger) difference() string {
	h := &l.health
	folded := h.LostDetails + h.Limited + h.Repeated + h.Filtered
	switch {
	case h.Events > l.delivered, h.Events+l.pendingBinds < l.delivered:
		return fmt.Sprintf("the kernel delivered %d events, %d came (%d of them binds that failed unseen)", h.Events, l.delivered, l.pendingBinds)
	case folded < l.folded, folded > l.folded && !l.incomplete:
		return fmt.Sprintf("the kernel folded %d and filtered %d, folds hold %d", h.LostDetails, h.Filtered, l.folded)
	}
	return ""
}
