package export

import (
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
)

// holder is the socket that has a port, or a 4-tuple, that a failed call wanted.
type holder struct {
	PID       uint32   `json:"pid"` // also of a process that has ended; 0: unknown
	StartTime string   `json:"start_time"`
	Comm      string   `json:"comm"`
	Exe       string   `json:"exe"`
	State     string   `json:"state"`
	Saddr     string   `json:"saddr"`
	Sport     uint16   `json:"sport"`
	Daddr     string   `json:"daddr"`
	Dport     uint16   `json:"dport"`
	FreesIn   *float64 `json:"frees_in_seconds"` // null: only the process can free it

	text string // the same in words
}

func newHolder(e *event.Event, c Context) *holder {
	h := e.Holder
	if h == nil {
		return nil
	}
	out := &holder{
		PID: h.Proc.PID, StartTime: formatTime(c.Clock.StartTime(h.Proc)), State: h.State.String(),
		Saddr: h.Local.Addr.String(), Sport: h.Local.Port, Daddr: h.Remote.Host(), Dport: h.Remote.Port,
		text: heldBy(e, c),
	}
	if p := c.Holder; p != nil {
		out.Comm, out.Exe = p.Comm, p.Exe
	}
	if h.Expiry != 0 {
		seconds := freeIn(e).Seconds()
		out.FreesIn = &seconds
	}
	return out
}

// heldBy returns the holder in words, empty without one.
func heldBy(e *event.Event, c Context) string {
	if e.Holder == nil {
		return ""
	}
	process := c.Holder
	if process == nil {
		process = &event.Process{ID: e.Holder.Proc}
	}
	return phrase.HeldBy(e.Holder, process, freeIn(e))
}

// freeIn returns how long after the event a timer frees the port, a negative duration if only
// the process can free it.
func freeIn(e *event.Event) time.Duration {
	if e.Holder.Expiry == 0 {
		return -1
	}
	return max(e.Holder.Expiry.Sub(e.Time), 0)
}
