package portspace

import (
	"github.com/porttrace/porttrace/internal/event"
)

// ListenPorts returns the ports at which sockets listen, in the port range or not: a wider
// port range must not cover them.
func (n *Netns) ListenPorts() event.PortSet {
	var ports []event.PortRange
	for _, b := range n.allBinds() {
		for port, o := range b.owned {
			if o.State == event.StateListen {
				ports = append(ports, event.OnePort(port))
			}
		}
	}
	return event.PortSet(nil).With(ports...)
}
