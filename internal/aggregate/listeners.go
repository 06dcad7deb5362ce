package aggregate

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/portspace"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// maxListeners is how many a namespace lists, of each kind.
const maxListeners = 64

// listener is a process that listens.
type listener struct {
	local event.Endpoint
	proc  event.ProcID
}

// addListeners adds those that listen, at a port of the range and at others.
func (s *State) addListeners(row *snapshot.Namespace, n *portspace.Netns) {
	var usable, others []listener
	n.EachListener(func(port uint16, isUsable bool, socket portspace.BoundSocket) {
		l := listener{event.Endpoint{Addr: socket.Local, Port: port}, socket.Proc}
		if isUsable {
			usable = append(usable, l)
		} else {
			others = append(others, l)
		}
	})
	row.Listeners, row.OtherListeners = s.listeners(usable)
	row.Servers, _ = s.listeners(others)
}

// listeners returns them as rows, by port, and how many there is no room for. Of several sockets
// of one process at one address, as servers with SO_REUSEPORT have for each processor, it is one.
func (s *State) listeners(list []listener) (rows []snapshot.Listener, left int) {
	slices.SortFunc(list, func(a, b listener) int {
		return cmp.Or(cmp.Compare(a.local.Port, b.local.Port), bytes.Compare(a.local.Addr[:], b.local.Addr[:]), compareProc(a.proc, b.proc))
	})
	list = slices.Compact(list)
	shown := min(len(list), maxListeners)
	for _, l := range list[:shown] {
		rows = append(rows, snapshot.Listener{Local: l.local, Proc: *s.whois(l.proc)})
	}
	return rows, len(list) - shown
}
