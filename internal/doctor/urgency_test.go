package doctor

import (
	"slices"
	"testing"
)

var mixed = []Finding{
	{ID: "inbound_only:nginx", Cause: InboundOnly, Severity: Info, Confidence: Proved},
	{ID: "burst:job", Cause: Burst, Severity: Warning, Confidence: Likely},
	{ID: "churn:curl", Cause: Churn, Severity: Critical, Confidence: Likely},
	{ID: "leak:job", Cause: Leak, Severity: Critical, Confidence: Proved},
	{ID: "churn:web", Cause: Churn, Severity: Critical, Confidence: Proved},
}

func ids(findings []Finding) (ids []string) {
	for _, f := range findings {
		ids = append(ids, f.ID)
	}
	return ids
}

func TestWorst(t *testing.T) {
	t.Parallel()
	if worst := Worst(mixed); worst == nil || worst.ID != "leak:job" {
		t.Errorf("worst is %+v", worst)
	}
	if worst := Worst(mixed[:1]); worst != nil {
		t.Errorf("an Info is the worst: %+v", worst)
	}
}

func TestSorted(t *testing.T) {
	t.Parallel()
	want := []string{"leak:job", "churn:web", "churn:curl", "burst:job", "inbound_only:nginx"}
	if got := ids(Sorted(mixed, true)); !slices.Equal(got, want) {
		t.Errorf("all: %v", got)
	}
	if got := ids(Sorted(mixed, false)); !slices.Equal(got, want[:4]) {
		t.Errorf("by default: %v", got)
	}
}

func TestIgnore(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		names []string
		want  []string
	}{
		{nil, ids(mixed)},
		{[]string{"churn"}, []string{"inbound_only:nginx", "burst:job", "leak:job"}},
		{[]string{"churn:web", "burst:job"}, []string{"inbound_only:nginx", "churn:curl", "leak:job"}},
		{[]string{"chur", "churn:"}, ids(mixed)},
	} {
		kept, ignored := Ignore(mixed, tc.names)
		if !slices.Equal(ids(kept), tc.want) || ignored != len(mixed)-len(tc.want) {
			t.Errorf("%v: %v, %d ignored", tc.names, ids(kept), ignored)
		}
	}
}
