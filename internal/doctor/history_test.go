package doctor

import (
	"testing"

	"github.com/porttrace/porttrace/internal/event"
)

// TestRecount: a finding says the same count as its victims, though one more call fails at a time that is
// not the worst any more.
func TestRecount(t *testing.T) {
	t.Parallel()
	const before = "847 of 1,000 ports are in TIME_WAIT, and "
	evidence := []Evidence{{Text: "346 calls found no free port", Value: 346}, {Text: "at most 346 ports in use at a time"}}
	k := kept{Finding: Finding{Cause: Churn, Summary: before + "346 calls found no free port", Evidence: evidence, count: 346}}
	later := k.Finding
	later.Cause, later.count, later.Summary = Leak, 347, "another cause"
	k.take(later, event.PortRange{}, k.seen)
	if k.Summary != before+"347 calls found no free port" || k.Evidence[0].Text != "347 calls found no free port" || k.Evidence[0].Value != 347 {
		t.Errorf("got %q, %+v", k.Summary, k.Evidence)
	}
	if k.Evidence[1].Text != evidence[1].Text || evidence[0].Value != 346 {
		t.Errorf("changed as well: %+v of %+v", k.Evidence, evidence)
	}
}
