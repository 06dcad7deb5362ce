package live

import (
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/netns"
	"github.com/porttrace/porttrace/internal/procinfo"
)

// listeners knows which process listens on a port, by namespace: an accepted connection has
// no owner of its own until a process closes it.
type listeners struct {
	byPort    map[netns.Listener]event.ProcID
	found     chan []listener // those from before the start; closed when the search has ended, nil: none was begun
	describer describer       // of the goroutine that searches
}

// listener is one from before the start, with what /proc knows of its process.
type listener struct {
	at      netns.Listener
	process event.Process
}

func newListeners() *listeners {
	return &listeners{byPort: map[netns.Listener]event.ProcID{}}
}

func (l *listeners) add(e *event.Event) {
	l.byPort[netns.Listener{Netns: e.Netns, Port: e.Src.Port}] = e.Proc
}

// complete fills in the listener of an accepted connection, and the owner if no process has
// closed it.
func (l *listeners) complete(e *event.Event) {
	listener, ok := l.byPort[netns.Listener{Netns: e.Netns, Port: e.Src.Port}]
	if !ok {
		return
	}
	e.Listener = listener
	if !e.Proc.Known() {
		e.Proc = listener
		e.Inferred |= event.FieldPID
	}
}

// search starts to look up the listeners from before the start. It walks all of /proc,
// which on a large host takes longer than a user waits for the first screen, so it runs
// beside the reading of events; stop waits for it.
func (l *listeners) search(namespaces *netns.Namespaces) {
	l.found = make(chan []listener, 1)
	go func() {
		l.found <- l.find(namespaces)
		close(l.found)
	}()
}

// find returns those whose owner can be seen: without /proc none.
func (l *listeners) find(namespaces *netns.Namespaces) []listener {
	sockets := namespaces.Listeners()
	holders, _ := procinfo.SocketHolders(sockets)
	var list []listener
	for socket, holder := range holders {
		if process, ok := l.describer.read(holder); ok {
			list = append(list, listener{sockets[socket], process})
		}
	}
	return list
}

// takeFound takes the result of the search once it is there, and appends the processes. A
// listener seen since the start is newer.
func (l *listeners) takeFound(dst []event.Event, now event.Time) []event.Event {
	select {
	case found := <-l.found:
		for i := range found {
			one := &found[i]
			if _, known := l.byPort[one.at]; !known {
				l.byPort[one.at] = one.process.ID
			}
			dst = append(dst, event.Event{Time: now, Kind: event.ProcessKnown, Fact: &one.process})
		}
	default:
	}
	return dst
}

// stop waits for the search.
func (l *listeners) stop() {
	if l.found != nil {
		for range l.found { // until it is closed
		}
	}
}
