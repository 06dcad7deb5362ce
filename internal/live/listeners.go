package live

import (
	"github.com/porttrace/porttrace/internal/event"
)

// listeners says who listens on a port, by namespace: an accepted connection has no
// owner of its own until somebody closes it.
type listeners map[listenKey]event.ProcID

type listenKey struct {
	netns uint32
	port  uint16
}

func (l listeners) add(e *event.Event) {
	l[listenKey{e.Netns, e.Src.Port}] = e.Proc
}

// own fills in the listener, and the owner where nobody closed the connection.
func (l listeners) own(e *event.Event) {
	listener, ok := l[listenKey{e.Netns, e.Src.Port}]
	if !ok {
		return
	}
	e.Listener = listener
	if !e.Proc.Known() {
		e.Proc = listener
		e.Inferred |= event.FieldPID
	}
}
