package portspace

import (
	"github.com/porttrace/porttrace/internal/event"
)

// Holding is sockets of a space that count alike, whatever they are counted for: of one process, and
// next to each other in the order of the space. Most spaces have one process, so that they are a
// small part of the sockets.
type Holding struct {
	Proc      event.ProcID
	Direction event.Direction
	Selected  bool // by the user's filter
	InRange   bool // at ports of the range that are not reserved
	TimeWait  int32
	Open      int32 // all others
	SynSent   int32 // of Open, as CloseWait is
	CloseWait int32
	Before    int32 // of all: older than the trace
	Unseen    int32 // of Before: the trace has not seen their end
}

func (h *Holding) joins(socket *Socket, inRange bool) bool {
	return h.Proc == socket.Proc && h.Direction == socket.Direction && h.InRange == inRange &&
		h.Selected == !socket.Flags.Has(event.NotSelected)
}

func (h *Holding) add(socket *Socket) {
	switch socket.State {
	case event.StateTimeWait:
		h.TimeWait++
	case event.StateSynSent:
		h.SynSent++
		h.Open++
	case event.StateCloseWait:
		h.CloseWait++
		h.Open++
	default:
		h.Open++
	}
	if socket.Flags.Has(event.BeforeStart) {
		h.Before++
		if socket.Closed == 0 {
			h.Unseen++
		}
	}
}

// holdings collects those of a space.
type holdings struct {
	now  Holding // that of the socket before
	any  bool
	each func(*Holding)
}

func (h *holdings) add(socket *Socket, inRange bool) {
	if !h.any || !h.now.joins(socket, inRange) {
		h.end()
		h.now = Holding{
			Proc: socket.Proc, Direction: socket.Direction, Selected: !socket.Flags.Has(event.NotSelected), InRange: inRange,
		}
		h.any = true
	}
	h.now.add(socket)
}

// end passes the last one on.
func (h *holdings) end() {
	if h.any {
		h.each(&h.now)
	}
}

// EachHolding calls f for the sockets of the space. now is the moment for which Occupancy is asked
// as well, as one pass can find out both.
func (s *Space) EachHolding(now event.Time, f func(*Holding)) {
	if s.held >= keptFrom {
		if known := s.figuresAt(now); known.holdings != nil {
			for i := range known.holdings {
				f(&known.holdings[i])
			}
			return
		}
	}
	h := holdings{each: f}
	for _, socket := range s.records() {
		h.add(socket, s.net.usable.has(socket.port))
	}
	h.end()
}
