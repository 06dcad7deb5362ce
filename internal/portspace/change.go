package portspace

import "github.com/porttrace/porttrace/internal/event"

// Change is what an event has done to the connection at its port, so that a reader can
// distinguish the connections that the table follows from those that it does not: events
// that were only counted in the kernel, and sockets beyond the table's limit.
type Change struct {
	Was, Is event.State // 0: the table has no socket there
	// Before is true if the socket that was there is older than the trace: the kernel side
	// follows it less closely than a scan does.
	Before bool
	// Proc is the owner of what was there; Flags: whether the filter selects it.
	Proc  event.ProcID
	Flags event.Flags
	// Same is true if what was there is the socket of the event, by its cookie.
	Same bool
}

// LastChange returns what the last event that was added has done.
func (t *Table) LastChange() Change { return t.change }

// LastSpace returns the number of the space that the last event that was added was about, 0 if that
// is not known. The number of a space that has ended is used again.
func (t *Table) LastSpace() uint32 { return t.changed }

// note notes what was at the port before an event.
func (c *Change) note(e *event.Event, old *Socket) {
	c.Was, c.Before = old.State, old.Flags.Has(event.BeforeStart)
	c.Proc, c.Flags = old.Proc, old.Flags&event.NotSelected
	c.Same = old.Cookie != 0 && old.Cookie == e.Cookie
}
