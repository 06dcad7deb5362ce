package portspace

import "github.com/porttrace/porttrace/internal/event"

// Complete fills in what the table knows of an event better than its source. It must be called
// before the event is shown, recorded or added.
func (t *Table) Complete(e *event.Event) {
	t.Advance(e.Time)
	switch e.Kind {
	case event.Close:
		t.completeEnd(e)
		t.refuse(e)
	case event.ConnectFail, event.BindFail:
		e.Holder = t.Holder(e)
	}
}

// completeEnd completes the end of a connection that the kernel side could not assign, because
// it is older than the trace: its direction, and the process that held it.
func (t *Table) completeEnd(e *event.Event) {
	if e.Direction != event.Unknown || e.Proto != event.TCP {
		return
	}
	known := t.socket(PortOf(e))
	if known == nil || known.Cookie != 0 && e.Cookie != 0 && known.Cookie != e.Cookie {
		return
	}
	if known.Direction != event.Unknown {
		e.Direction = known.Direction
		e.Inferred |= event.FieldDirection
	}
	if known.Proc.Known() {
		e.Proc = known.Proc
	}
}
