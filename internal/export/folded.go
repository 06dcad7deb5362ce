package export

import (
	"fmt"
	"strings"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
)

// addFold adds what was counted in the kernel and not delivered one by one. Count is how many
// events the line stands for.
func (r *record) addFold(e *event.Event, f *event.Fold, c Context) {
	closes, waits := f.Closes(), f.TimeWaitOut+f.TimeWaitIn
	r.Opens, r.Closes, r.Binds, r.TimeWaitEntered, r.SynsUnanswered = &f.Opens, &closes, &f.Binds, &waits, &f.EnterSynSent
	r.Count = f.Public()
	r.First, r.Last = formatTime(c.Clock.WallTime(e.First)), formatTime(c.Clock.WallTime(e.Last))
}

// limiting returns what a line says of a pair whose events are only counted.
func limiting(e *event.Event) string {
	if e.Last == 0 {
		return "only counted from here on, but for a sample: more than " + phrase.Grouped(e.Count) + " events/s in all"
	}
	return "listed one by one again after " + phrase.Duration(e.Last.Sub(e.First))
}

// leavingOut returns what a line stands for that no other line shows.
func leavingOut(e *event.Event) string {
	f, ok := e.Fact.(*event.Fold)
	if !ok {
		return phrase.Plural(e.Count, "event") + " lost, not even counted"
	}
	var parts []string
	for _, part := range []struct {
		n    uint64
		what string
	}{
		{f.Opens, "opened"},
		{f.Closes(), "closed"},
		{f.TimeWaitOut + f.TimeWaitIn, "entered TIME_WAIT"},
		{f.Binds, "bound"},
		{f.EnterSynSent, "SYNs retransmitted"},
	} {
		if part.n > 0 {
			parts = append(parts, phrase.Grouped(part.n)+" "+part.what)
		}
	}
	return fmt.Sprintf("%s in %s, without detail", strings.Join(parts, ", "), phrase.Duration(e.Last.Sub(e.First)))
}
