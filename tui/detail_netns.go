package tui

import (
	"fmt"
	"time"

	"github.com/porttrace/porttrace/internal/snapshot"
)

// portRange is the range, what is left out of it, and who set it.
func portRange(s *snapshot.PortSpace) string {
	if !s.Range.Known() {
		return "not known, and so neither is the capacity"
	}
	text := fmt.Sprintf("%d-%d", s.Range.Low, s.Range.High)
	if s.OwnRange {
		text += ", the sockets' own (IP_LOCAL_PORT_RANGE)"
	} else {
		text += " (net.ipv4.ip_local_port_range)"
	}
	if reserved := int(s.Range.High) - int(s.Range.Low) + 1 - s.Capacity; reserved > 0 {
		text += ", " + count(reserved) + " of it reserved"
	}
	return text
}

// writeNamespace is what the namespace says of its ports, and how well they are seen.
func writeNamespace(to *sheet, n *snapshot.Namespace, now time.Time) {
	to.outside("reserved", n.Reserved)
	if n.Ports.Known() {
		to.field("reuse", fmt.Sprintf("net.ipv4.tcp_tw_reuse is %d: %s", n.Reuse, reuseWords(n.Reuse)), plain)
	}
	if n.TimeWait >= 0 && n.MaxTimeWait > 0 {
		to.field("buckets", count(n.TimeWait)+" in TIME_WAIT in the whole namespace, of at most "+count(n.MaxTimeWait), plain)
	}
	if !n.Census.IsZero() {
		to.field("counted", "all its sockets looked at "+ago(now, n.Census)+", in "+lifetime(n.CensusTook), plain)
	}
	if !n.BoundKnown {
		to.field("", "ports that a bind() holds and nothing more are not all seen, so there can be fewer left", warn)
	}
}

func reuseWords(mode uint8) string {
	switch mode {
	case 0:
		return "no port in TIME_WAIT is reused"
	case 2:
		return "ports in TIME_WAIT are reused on loopback only"
	}
	return "ports in TIME_WAIT are reused after a second, where both ends use timestamps"
}
