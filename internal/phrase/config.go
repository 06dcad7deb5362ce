package phrase

import (
	"fmt"

	"github.com/porttrace/porttrace/internal/snapshot"
)

// PortRange returns the range of the space, where it is configured and how many ports of
// it are reserved.
func PortRange(s *snapshot.PortSpace) string {
	if !s.Range.Known() {
		return "not known, and so neither is the capacity"
	}
	text := fmt.Sprintf("%d-%d (net.ipv4.ip_local_port_range)", s.Range.Low, s.Range.High)
	if s.PerSocketRange {
		text = fmt.Sprintf("%d-%d, set by the sockets (IP_LOCAL_PORT_RANGE)", s.Range.Low, s.Range.High)
	}
	if reserved := s.Range.Size() - s.Capacity; reserved > 0 {
		text += ", " + Count(reserved) + " of it reserved"
	}
	return text
}

// Reuse returns what a value of net.ipv4.tcp_tw_reuse means.
func Reuse(mode uint8) string {
	switch mode {
	case 0:
		return "no port in TIME_WAIT is reused"
	case 2:
		return "ports in TIME_WAIT are reused on loopback only"
	}
	return "ports in TIME_WAIT are reused after a second if both ends use timestamps"
}
