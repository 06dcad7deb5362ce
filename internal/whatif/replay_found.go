package whatif

import "github.com/porttrace/porttrace/internal/event"

// beginFound is begin for a socket that was there before: it is no open.
func (h *host) beginFound(f *flow, e *event.Event) liveConn {
	if c, ok := f.takeIdle(); ok {
		return c
	}
	early, opened := h.binds(e.Flags.Has(event.OwnedByBind)), h.engine.now
	h.scanned = h.scanned || e.Flags.Has(event.BeforeStart)
	space := f.nextSpace()
	c, cause := h.engine.place(space, early, h.reuses(f))
	if cause == NoCause {
		return h.begun(f, c, true)
	}
	if e.Flags.Has(event.BeforeStart) {
		if h.ahead.take(f, early) {
			h.engine.fail(cause)
			return h.begun(f, conn{}, false)
		}
		opened = 0
	}
	h.engine.unplace(opened, cause)
	return h.begun(f, conn{}, false)
}

// ahead counts the calls that got a port in the model before the first scan: of each flow, and of
// each local address those that bind(). The sockets from before start that the scan finds had their
// ports before those calls, so that for each socket that finds none, such a call has failed.
type ahead map[any]uint64

func (a ahead) add(f *flow, early bool) {
	a[a.key(f, early)]++
}

func (ahead) key(f *flow, early bool) any {
	if early {
		return f.local
	}
	return f
}

func (a ahead) take(f *flow, early bool) bool {
	key := a.key(f, early)
	if a[key] == 0 {
		return false
	}
	a[key]--
	return true
}
