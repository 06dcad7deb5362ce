package phrase

import (
	"cmp"
	"slices"

	"github.com/porttrace/porttrace/internal/snapshot"
)

// Level is how urgent a headline is.
type Level int

const (
	Calm    Level = iota // nothing fails, as far as it can be seen
	Warning              // something failed in the last minute, or a peer does not answer
	Failing              // something fails now
)

// Headline returns in one line what fails now, else which peers do not answer, else what
// failed most, in forms; and how urgent it is. It never says that nothing fails where a
// failure would not be seen: then it says what is not observed.
func Headline(s *snapshot.Snapshot) ([]string, Level) {
	silent := unanswered(s)
	if sums := SumFailures(s, s.Recent); len(sums) > 0 {
		level := Warning
		if sums[0].rate > 0 {
			level = Failing
		}
		return withMore(sums[0].forms(s.Wall), len(sums)-1, silent), level
	}
	if len(silent) > 0 {
		if n := failed(s); n > 0 {
			silent = append([]string{silent[0] + "; " + Plural(n, "failure") + " earlier"}, silent...)
		}
		return silent, Warning
	}
	if past := SumFailures(s, func(*snapshot.Failure) bool { return true }); len(past) > 0 || failed(s) > 0 {
		return pastFailures(s, past), Calm
	}
	return NoFailure(s), Calm
}

// withMore adds how many more failures there are and the peers that do not answer.
func withMore(forms []string, others int, silent []string) []string {
	first := forms[0]
	var longer []string
	if others > 0 {
		first += "; " + Plural(others, "more failure")
		longer = append(longer, first)
	}
	if len(silent) > 0 {
		longer = append(longer, first+"; "+silent[0])
	}
	slices.Reverse(longer)
	return append(longer, forms...)
}

// pastFailures returns that nothing fails now, if that can be said, and what failed before.
func pastFailures(s *snapshot.Snapshot, past []*FailureSum) []string {
	now, limits := "nothing fails now", Limits(s)
	if len(limits) > 0 {
		now = "no failure seen now"
	}
	var forms []string
	if len(past) > 0 {
		most := slices.MaxFunc(past, func(a, b *FailureSum) int { return cmp.Compare(a.count, b.count) })
		text := now + "; earlier, " + most.Earlier()
		forms = append(following(text+"; ", limits), text)
	}
	if n := failed(s); n > 0 {
		forms = append(forms, now+"; "+Plural(n, "failure")+" earlier")
	}
	return append(forms, now)
}

// failed returns how many calls have failed, without the harmless that have a row.
func failed(s *snapshot.Snapshot) uint64 {
	n := s.Totals.Failed()
	for i := range s.Failures {
		if f := &s.Failures[i]; f.Harmless() {
			n -= min(n, f.Count)
		}
	}
	return n
}
