package live

import (
	"strings"
	"testing"

	"github.com/porttrace/porttrace/internal/event"
)

// TestIdentify: where the kernel side names no container, the hierarchies of version 1 do. A
// process that has ended keeps what the kernel side knew.
func TestIdentify(t *testing.T) {
	t.Parallel()
	id := strings.Repeat("0a1b2c3d", 8)
	for _, tc := range []struct{ name, kernel, proc, container, unit, cgroup string }{
		{"version 1", "/", "/docker/" + id, id, "", "/docker/" + id},
		{"hybrid", "/system.slice/containerd.service", "/docker/" + id, id, "", "/docker/" + id},
		{"a service", "/", "/system.slice/cron.service", "", "cron.service", "/system.slice/cron.service"},
		{"unified", "/docker/" + id, "/other.service", id, "", "/docker/" + id},
		{"ended", "/system.slice/cron.service", "", "", "cron.service", "/system.slice/cron.service"},
	} {
		p := event.Process{Cgroup: tc.kernel}
		c := completer{cgroup: func(event.ProcID) string { return tc.proc }}
		c.identify(&p)
		if p.Container != tc.container || p.Unit != tc.unit || p.Cgroup != tc.cgroup {
			t.Errorf("%s: %+v", tc.name, p)
		}
	}
}
