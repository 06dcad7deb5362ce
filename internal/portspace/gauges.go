package portspace

import "github.com/porttrace/porttrace/internal/event"

// Gauges are numbers of sockets that the filter selects and whose direction is known, as the rows
// count them. The table keeps them up to date with each event.
type Gauges struct {
	Live      int // outgoing connections
	SynSent   int // of all connections, accepted ones too, as CloseWait is
	CloseWait int
	TimeWait  int // of outgoing connections: those of accepted ones hold no ephemeral port
}

func (g *Gauges) add(socket *Socket, times int) {
	if socket.Direction == event.Unknown || socket.Flags.Has(event.NotSelected) {
		return
	}
	switch socket.State {
	case event.StateTimeWait:
		if socket.Direction == event.Out {
			g.TimeWait += times
		}
		return
	case event.StateSynSent:
		g.SynSent += times
	case event.StateCloseWait:
		g.CloseWait += times
	}
	if socket.Direction == event.Out {
		g.Live += times
	}
}

// Gauges returns those of all namespaces.
func (t *Table) Gauges() (sum Gauges) {
	for _, n := range t.nets {
		sum.Live += n.gauges.Live
		sum.SynSent += n.gauges.SynSent
		sum.CloseWait += n.gauges.CloseWait
		sum.TimeWait += n.gauges.TimeWait
	}
	return sum
}
