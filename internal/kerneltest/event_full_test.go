package kerneltest

import (
	"net/netip"
	"testing"

	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/live"
	"github.com/porttrace/porttrace/internal/probe"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// What the map of connections has no room for is counted as lost, and the ports that it has are
// found by scans.
func TestMoreConnectionsThanFollowed(t *testing.T) {
	const (
		followed, count = 100, 400
		leastMaps       = 5 << 17 // of the rings alone, however little memory there is
	)
	n := newNetns(t)
	serve(t, n, lab.Echo, loopV4)
	w := traceSpacesWith(t, live.Options{Probe: probe.Options{MaxConns: followed}}, n)
	p := spawn(t, n, "holder", &lab.Client{To: []netip.AddrPort{loopV4}, Count: count, Hold: true})
	wantCounts(t, counted(t, p), count, 0)
	w.awaitScans(n)
	w.awaitRow("all ports", loopID(n, loopV4), func(s *snapshot.PortSpace) bool { return s.InUse() == count })
	w.stop()
	opens, health := int(w.row(p.PID()).Opens), w.ledger.health
	if opens > followed || opens+int(health.Lost+health.Missed) < count {
		t.Errorf("%d opens of %d with room for %d connections, %d lost, %d runs skipped", opens, count, followed, health.Lost, health.Missed)
	}
	if health.Maps < leastMaps {
		t.Errorf("the maps take %d bytes", health.Maps)
	}
}
