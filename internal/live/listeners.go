package live

import (
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/netns"
	"github.com/porttrace/porttrace/internal/procinfo"
)

// listeners says who listens on a port, by namespace: an accepted connection has no
// owner of its own until somebody closes it.
type listeners struct {
	byPort map[netns.Listener]event.ProcID
	seeds  chan []seeded // those from before the start, once they have been found
}

// seeded is a listener from before the start and what /proc knows of its process.
type seeded struct {
	at      netns.Listener
	process event.Process
}

func newListeners() listeners {
	return listeners{byPort: map[netns.Listener]event.ProcID{}, seeds: make(chan []seeded, 1)}
}

func (l *listeners) add(e *event.Event) {
	l.byPort[netns.Listener{Netns: e.Netns, Port: e.Src.Port}] = e.Proc
}

// own fills in the listener, and the owner where nobody closed the connection.
func (l *listeners) own(e *event.Event) {
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

// seed finds who listened before the start. It walks all of /proc, which on a large
// host takes longer than a user waits for the first screen, so it runs beside.
// Without /proc the owners stay unknown, and are counted so.
func (l *listeners) seed(spaces *netns.Namespaces) {
	sockets := spaces.Listeners()
	holders, _ := procinfo.SocketHolders(sockets)
	var found []seeded
	for socket, holder := range holders {
		process, err := procinfo.Read(holder.PID)
		if err == nil && process.ID == holder {
			found = append(found, seeded{sockets[socket], process})
		}
	}
	l.seeds <- found
}

// takeSeeds takes them when they have come. A listener seen since the start is newer.
func (s *Source) takeSeeds(now event.Time) {
	select {
	case found := <-s.listeners.seeds:
		for _, seed := range found {
			if _, known := s.listeners.byPort[seed.at]; !known {
				s.listeners.byPort[seed.at] = seed.process.ID
			}
			s.add(now, event.ProcessKnown, &seed.process)
		}
	default:
	}
}
