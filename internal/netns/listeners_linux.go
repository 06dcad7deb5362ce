package netns

import (
	"io"
	"maps"
	"slices"
)

// Listener is a listening TCP socket.
type Listener struct {
	Netns uint32
	Port  uint16
}

// Listeners returns the listening sockets of all namespaces that can be read, by inode.
func (n *Namespaces) Listeners() map[uint64]Listener {
	n.mu.Lock()
	namespaces := slices.Collect(maps.Values(n.found))
	n.mu.Unlock()
	found := map[uint64]Listener{}
	for _, ns := range namespaces {
		if !ns.readable() {
			continue
		}
		for _, name := range []string{"tcp", "tcp6"} {
			// A namespace that has gone has no listeners, and one without IPv6 no tcp6.
			_ = ns.read(name, func(r io.Reader) error {
				return parseListeners(r, func(socket uint64, port uint16) {
					found[socket] = Listener{Netns: ns.inode, Port: port}
				})
			})
		}
	}
	return found
}
