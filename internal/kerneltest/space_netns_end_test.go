package kerneltest

import (
	"net/netip"
	"testing"

	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// When a namespace ends, its sockets are gone without an event.
func TestNamespaceEnds(t *testing.T) {
	const count = 50
	n := newNetns(t)
	noError(t, n.Sysctl("ipv4/tcp_tw_reuse", "0"))
	server := serve(t, n, lab.Echo, loopV4)
	w := traceSpaces(t, n)
	run(t, n, "client", &lab.Client{To: []netip.AddrPort{loopV4}, Count: count, Talk: true})
	id := loopID(n, loopV4)
	w.awaitRow("its buckets", id, func(p *snapshot.PortSpace) bool { return p.TimeWait == count })
	server.Stop()
	noError(t, n.Close())
	eventually(t, "an empty space", func() bool {
		row := rowOf(w.snapshot(), id)
		return row == nil || row.InUse() == 0
	})
}
