package snapshot

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// recently is how long after a failure one still speaks of it as of now.
const recently = time.Minute

// Headline says in one line what goes wrong: the failure with the highest rate,
// else the latest of the last minute, else the most frequent since the start. It
// holds names as they are in the kernel: make it printable before it is shown.
func (s *Snapshot) Headline() string {
	if len(s.Failures) == 0 {
		return "nothing fails"
	}
	worst, _ := s.Worst()
	switch {
	case worst == nil:
		most := slices.MaxFunc(s.Failures, func(a, b Failure) int { return cmp.Compare(a.Count, b.Count) })
		return fmt.Sprintf("failed earlier: %s, %s, %d times", most.who(), most.what(), most.Count)
	case worst.Rate > 0:
		return fmt.Sprintf("%s fails: %s, %s/s", worst.who(), worst.what(), rate(worst.Rate))
	}
	age := max(s.Wall.Sub(worst.Last), 0)
	return fmt.Sprintf("%s failed: %s, %d s ago", worst.who(), worst.what(), int(age.Seconds()))
}

// Worst is the failure to name: the one with the highest rate, else the latest of the
// last minute, nil when nothing has failed of late. others is how many more there are
// of which one still speaks.
func (s *Snapshot) Worst() (worst *Failure, others int) {
	for i := range s.Failures {
		f := &s.Failures[i]
		if f.Rate <= 0 && s.Wall.Sub(f.Last) > recently {
			continue
		}
		others++
		if worst == nil || cmp.Or(cmp.Compare(f.Rate, worst.Rate), f.Last.Compare(worst.Last)) > 0 {
			worst = f
		}
	}
	return worst, max(others-1, 0)
}

func (f *Failure) who() string {
	switch {
	case f.Proc.Comm != "":
		return f.Proc.Comm
	case f.Proc.ID.Known():
		return fmt.Sprintf("process %d", f.Proc.ID.PID)
	}
	return "an unknown process"
}

// what is the error, where, and why.
func (f *Failure) what() string {
	text := cmp.Or(f.Errno.String(), f.Op.String())
	if f.Op == event.OpConnect {
		text += " towards " + f.Target.String()
	} else {
		text += " at " + f.Target.String()
	}
	if f.Reason != 0 {
		text += " (" + f.Reason.String() + ")"
	}
	return text
}

// rate is a whole number, but never a zero for what does happen.
func rate(perSecond float64) string {
	if perSecond < 1 {
		return fmt.Sprintf("%.1f", max(perSecond, 0.1))
	}
	return fmt.Sprintf("%.0f", perSecond)
}
