package monitoring

import (
	"strings"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/lab/need"
)

// checkPanels waits until each expression of the dashboard has a result, but those that cannot have one here.
func checkPanels(t *testing.T, m *prometheus) {
	t.Helper()
	d := readDashboard(t)
	for where, expr := range d.expressions() {
		if why := lacks(t, m, expr); why != "" {
			t.Logf("%s is empty: %s", where, why)
			continue
		}
		var err error
		m.await(t, where+": "+expr, func() bool {
			var samples []sample
			samples, err = m.query(asked(expr, "5s"), time.Time{})
			return err != nil || len(samples) > 0
		})
		noError(t, err)
	}
}

// lacks returns why an expression cannot have data on this host, empty if it can.
func lacks(t *testing.T, m *prometheus, expr string) string {
	t.Helper()
	switch {
	case strings.Contains(expr, "porttrace_conntrack_"):
		_, lacks, err := need.FindTracking()
		noError(t, err)
		return lacks
	case strings.Contains(expr, "porttrace_port_search_seconds"):
		if _, exact := m.value(t, `porttrace_signal_info{signal="connect",mode="exact"}`); !exact {
			return "connect is not exact here"
		}
	case strings.Contains(expr, "porttrace_bind_failures"):
		if _, off := m.value(t, `porttrace_signal_info{signal="bind",mode="off"}`); off {
			return "binds are not observed here"
		}
	case strings.Contains(expr, "porttrace_program_seconds"):
		return "the kernel does not measure programs"
	}
	return ""
}
