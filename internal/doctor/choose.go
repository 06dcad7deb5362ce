package doctor

import (
	"cmp"
	"slices"
)

// Worst returns the finding to name first: the most severe, of these the best proved, of these
// the first; nil if none is worth a warning.
func Worst(findings []Finding) *Finding {
	var worst *Finding
	for i := range findings {
		if f := &findings[i]; f.Severity > Info && (worst == nil || before(f, worst) < 0) {
			worst = f
		}
	}
	return worst
}

// Sorted returns the findings in the order in which to read them, without those of the severity
// Info unless all are wanted.
func Sorted(findings []Finding, all bool) []Finding {
	shown := make([]Finding, 0, len(findings))
	for i := range findings {
		if all || findings[i].Severity > Info {
			shown = append(shown, findings[i])
		}
	}
	slices.SortStableFunc(shown, func(a, b Finding) int { return before(&a, &b) })
	return shown
}

func before(a, b *Finding) int {
	return cmp.Or(cmp.Compare(b.Severity, a.Severity), cmp.Compare(b.Confidence, a.Confidence))
}

// Ignore removes the findings with one of these ids or causes, and returns how many it has
// removed.
func Ignore(findings []Finding, names []string) (kept []Finding, ignored int) {
	kept = slices.DeleteFunc(slices.Clone(findings), func(f Finding) bool {
		return slices.Contains(names, f.ID) || slices.Contains(names, string(f.Cause))
	})
	return kept, len(findings) - len(kept)
}
