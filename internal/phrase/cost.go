package phrase

import (
	"fmt"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// OwnCost returns what the tracer has used within a time, 694ms of CPU (1.2 % of one) and 31 MiB,
// 12 MiB of them kernel maps; and what its programs took, which is in the account of the traced
// ones. The kernel measures that only if it is asked to.
func OwnCost(h *event.Health, elapsed time.Duration) (used, programs string) {
	used = Duration(time.Duration(h.CPU)) + " of CPU"
	if elapsed > 0 {
		used += fmt.Sprintf(" (%.1f %% of one)", 100*float64(h.CPU)/float64(elapsed))
	}
	used += fmt.Sprintf(" and %d MiB", (h.Memory+h.Maps)>>20)
	if h.Maps > 0 {
		used += fmt.Sprintf(", %d MiB of them kernel maps", h.Maps>>20)
	}
	if h.ProgramRuns == 0 {
		return used, "not measured (kernel.bpf_stats_enabled)"
	}
	return used, Duration(time.Duration(h.ProgramTime)) + " in " + Plural(h.ProgramRuns, "run")
}
