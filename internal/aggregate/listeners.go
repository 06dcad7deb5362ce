package aggregate

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/portspace"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// maxListeners is how many a namespace lists.
const maxListeners = 64

// addListeners adds those that listen at a port of the range. Of several sockets of one process at
// one address, as servers with SO_REUSEPORT have for each processor, it is one.
func (s *State) addListeners(row *snapshot.Namespace, n *portspace.Netns) {
	type listener struct {
		local event.Endpoint
		proc  event.ProcID
	}
	var list []listener
	n.EachListener(func(port uint16, l portspace.BoundSocket) {
		list = append(list, listener{event.Endpoint{Addr: l.Local, Port: port}, l.Proc})
	})
	slices.SortFunc(list, func(a, b listener) int {
		return cmp.Or(cmp.Compare(a.local.Port, b.local.Port), bytes.Compare(a.local.Addr[:], b.local.Addr[:]), compareProc(a.proc, b.proc))
	})
	list = slices.Compact(list)
	shown := min(len(list), maxListeners)
	for _, l := range list[:shown] {
		row.Listeners = append(row.Listeners, snapshot.Listener{Local: l.local, Proc: *s.whois(l.proc)})
	}
	row.OtherListeners = len(list) - shown
}
