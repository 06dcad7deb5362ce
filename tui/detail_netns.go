package tui

import (
	"fmt"
	"time"

	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// writeNamespace writes the port configuration of a namespace, and how exactly its ports
// are known.
func writeNamespace(to *sheet, n *snapshot.Namespace, now time.Time) {
	to.untrusted("reserved", n.Reserved)
	if n.Ports.Known() {
		to.field("reuse", fmt.Sprintf("net.ipv4.tcp_tw_reuse is %d: %s", n.Reuse, phrase.Reuse(n.Reuse)), plain)
	}
	if n.TimeWait >= 0 && n.MaxTimeWait > 0 {
		to.field("TIME_WAIT", phrase.Count(n.TimeWait)+" in the namespace, of at most "+phrase.Count(n.MaxTimeWait)+" (net.ipv4.tcp_max_tw_buckets)", plain)
	}
	if n.Refused > 0 {
		to.field("", phrase.Grouped(n.Refused)+" more were refused since the start: their ports were free at once", plain)
	}
	if n.Timestamps.Known() && n.Timestamps.Value() == 0 {
		to.field("timestamps", "net.ipv4.tcp_timestamps is 0: no TIME_WAIT is reused", warn)
	}
	if n.FinTimeout > 0 {
		to.field("timers", "a TIME_WAIT lives "+phrase.TimeWaitLength(n)+
			", a FIN_WAIT2 without an owner "+phrase.ShortDuration(n.FinTimeout)+" (net.ipv4.tcp_fin_timeout)", plain)
	}
	if len(n.Listeners) > 0 {
		to.untrusted("listeners", phrase.Listeners(n)+" in the range: an outgoing connection can take the port of one that starts again")
	}
	if !n.LastScan.IsZero() {
		to.field("last scan", "of all sockets: "+phrase.Ago(now, n.LastScan)+", took "+phrase.ShortDuration(n.LastScanTook), plain)
	}
	if !n.BoundKnown {
		to.field("", "not all ports that are only bound are visible: there can be fewer left", warn)
	}
}
