package phrase

import (
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

func TestOwnCost(t *testing.T) {
	t.Parallel()
	tests := []struct {
		health         event.Health
		elapsed        time.Duration
		used, programs string
	}{
		{event.Health{}, 0, "0s of CPU and 0 MiB", "not measured (kernel.bpf_stats_enabled)"},
		{ // of a recording without maps
			event.Health{CPU: 694e6, Memory: 31 << 20},
			time.Minute,
			"694ms of CPU (1.2 % of one) and 31 MiB", "not measured (kernel.bpf_stats_enabled)",
		},
		{
			event.Health{CPU: 694e6, Memory: 20 << 20, Maps: 12 << 20, ProgramTime: 1200e6, ProgramRuns: 400_000},
			time.Minute,
			"694ms of CPU (1.2 % of one) and 32 MiB, 12 MiB of them kernel maps", "1.2s in 400,000 runs",
		},
	}
	for _, test := range tests {
		if used, programs := OwnCost(&test.health, test.elapsed); used != test.used || programs != test.programs {
			t.Errorf("%+v:\n%q, %q; want\n%q, %q", test.health, used, programs, test.used, test.programs)
		}
	}
}
