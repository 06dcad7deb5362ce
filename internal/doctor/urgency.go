package doctor

import (
	"cmp"
	"slices"
)

// byUrgency compares findings: the most severe first, of these the best proved.
func byUrgency(a, b Finding) int {
	return cmp.Or(cmp.Compare(b.Severity, a.Severity), cmp.Compare(b.Confidence, a.Confidence))
}

// order puts the most urgent first, of equal ones the one that harms most.
func order(findings []Finding) {
	slices.SortStableFunc(findings, func(a, b Finding) int {
		return cmp.Or(byUrgency(a, b), cmp.Compare(b.Failures(), a.Failures()), cmp.Compare(a.ID, b.ID))
	})
}

// Worst returns the finding to name first: of equally urgent ones the first, nil if none is worth a
// warning.
func Worst(findings []Finding) *Finding {
	var worst *Finding
	for i := range findings {
		if f := &findings[i]; f.Severity > Info && (worst == nil || byUrgency(*f, *worst) < 0) {
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
	slices.SortStableFunc(shown, byUrgency)
	return shown
}

// Ignore removes the findings that are named, and returns how many it has removed.
func Ignore(findings []Finding, names []string) (kept []Finding, ignored int) {
	kept = slices.DeleteFunc(slices.Clone(findings), func(f Finding) bool {
		return slices.ContainsFunc(names, f.IsNamed)
	})
	return kept, len(findings) - len(kept)
}
