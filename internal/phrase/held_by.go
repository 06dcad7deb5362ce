package phrase

import (
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// HeldBy returns the socket that has the port which a call wanted. freeIn is how long a timer
// still keeps the port, negative if only the process can free it:
//
//	nginx(812), LISTEN on 0.0.0.0:8080
//	curl(4242), TIME_WAIT to 10.0.0.2:80, free in 43s
func HeldBy(h *event.Holder, process *event.Process, freeIn time.Duration) string {
	name, _ := caller(process)
	text := name + ", " + h.State.String()
	switch {
	case !h.Remote.Known():
		text += " on " + Endpoint(h.Local)
	case h.ToItself():
		text += ", a connection to itself"
	case h.State != 0:
		text += " to " + Endpoint(h.Remote)
	}
	switch {
	case freeIn > 0:
		text += ", free in " + ShortDuration(freeIn)
	case freeIn == 0:
		text += ", free by now"
	}
	return text
}
