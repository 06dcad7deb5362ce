package aggregate

import (
	"testing"

	"github.com/porttrace/porttrace/internal/event"
)

func listens(addr string, id event.ProcID, cookie uint64) event.Event {
	return with(event.Listen, func(e *event.Event) {
		e.Src, e.Dst, e.Proc, e.Cookie, e.Direction = endpoint(addr), event.Endpoint{}, id, cookie, event.Unknown
	})
}

// Listeners are ordered by port, one for all sockets of a process at an address, and bounded.
func TestListeners(t *testing.T) {
	t.Parallel()
	events := []event.Event{
		ranged(40000, 49999), known(nginx, "nginx"), listens("10.0.0.1:40500", nginx, 1), listens("10.0.0.1:40500", nginx, 2),
		listens("10.0.0.1:40500", worker, 3), listens("10.0.0.1:80", nginx, 4),
	}
	n := of(events...).Snapshot(begin).Namespace(inode)
	if len(n.Listeners) != 2 || n.Listeners[0].Local != endpoint("10.0.0.1:40500") || n.Listeners[0].Proc.Comm != "nginx" ||
		n.Listeners[1].Proc.ID != worker || n.OtherListeners != 0 {
		t.Errorf("%+v and %d", n.Listeners, n.OtherListeners)
	}
	for i := range 100 {
		e := listens("10.0.0.1:1", nginx, uint64(10+i))
		e.Src.Port = uint16(49000 - i)
		events = append(events, e)
	}
	n = of(events...).Snapshot(begin).Namespace(inode)
	if len(n.Listeners) != maxListeners || n.OtherListeners != 102-maxListeners || n.Listeners[2].Local.Port != 48901 {
		t.Errorf("%d and %d, the third at %d", len(n.Listeners), n.OtherListeners, n.Listeners[2].Local.Port)
	}
}
