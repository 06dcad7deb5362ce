package portspace

import (
	"slices"

	"github.com/porttrace/porttrace/internal/event"
)

// ListenPorts returns the ports at which sockets listen, in the port range or not, in order and
// joined to ranges: a wider port range must not cover them.
func (n *Netns) ListenPorts() []event.PortRange {
	var ports []uint16
	for port, o := range n.owned {
		if o.State == event.StateListen {
			ports = append(ports, port)
		}
	}
	slices.Sort(ports)
	var ranges []event.PortRange
	for _, port := range ports {
		if last := len(ranges) - 1; last >= 0 && ranges[last].High+1 == port {
			ranges[last].High = port
			continue
		}
		ranges = append(ranges, event.PortRange{Low: port, High: port})
	}
	return ranges
}
