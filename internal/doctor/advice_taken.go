package doctor

import (
	"fmt"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// adviseReserve keeps the ports of services from outgoing connections. The one that has the port
// keeps it for as long as it lasts: it must be ended as well, and after that, or the next gets it.
func (t *trouble) adviseReserve() []Advice {
	reserve, free := t.reservePorts(), t.freePort()
	if reserve.Action == "" || free.Action == "" {
		return []Advice{reserve, free}
	}
	reserve.Action += ". " + free.Action
	reserve.Command = lines(reserve.Command, free.Command)
	if free.Risk != nothingChanged {
		reserve.Risk += " " + free.Risk
	}
	reserve.Safety = max(reserve.Safety, free.Safety)
	return []Advice{reserve}
}

// advisePort is for a bind() to a port that is in use.
func (t *trouble) advisePort() []Advice {
	if f := t.failure(event.PortTaken); f == nil || !heldByConnection(f) {
		return []Advice{t.freePort()} // a listener has it: reserving keeps nothing from it
	}
	return t.adviseReserve()
}

// freePort says how to find out and free who has the port.
func (t *trouble) freePort() Advice {
	port := t.Subject.Port
	if port == 0 {
		return Advice{}
	}
	a := Advice{
		Action:  fmt.Sprintf("See what has port %d, and end that", port),
		Command: t.enter() + fmt.Sprintf("ss -Htanp 'sport = :%d'", port),
		Risk:    nothingChanged,
	}
	f := t.failure(event.PortTaken)
	switch {
	case f == nil:
	case heldByConnection(f):
		return t.freeFromConnection(f, port)
	case f.HeldBy.FreeIn > 0:
		a.Action = fmt.Sprintf("Wait %s: port %d is in TIME_WAIT after a connection of %s; or set SO_REUSEADDR before bind(), as servers do",
			phrase.Spelled(f.HeldBy.FreeIn), port, holderName(f.HeldBy))
	default:
		a.Action = fmt.Sprintf("Stop %s, which has port %d, or give one of the two another port", holderName(f.HeldBy), port)
		a.Risk, a.Safety = "What connects to the port meets the other program, or none.", CheckFirst
	}
	return a
}

// freeFromConnection ends the outgoing connection that has the port. tcp_abort() (net/ipv4/tcp.c)
// leaves no TIME_WAIT here, which a restart of the program does. Against its TIME_WAIT
// SO_REUSEADDR of the service does nothing, unless the connection had set it as well
// (inet_bind_conflict, net/ipv4/inet_connection_sock.c).
func (t *trouble) freeFromConnection(f *snapshot.Failure, port uint16) Advice {
	h, then := f.HeldBy, "start the service"
	if name := programOf(&f.Proc); name != "" {
		then = "start " + name
	}
	if h.FreeIn > 0 {
		wait := phrase.Spelled(h.FreeIn)
		return Advice{
			Action:  fmt.Sprintf("Then wait %s, for which port %d is still in TIME_WAIT after a connection of %s, and %s", wait, port, holderName(h), then),
			Command: fmt.Sprintf("# wait %s, then %s", wait, then),
			Risk:    nothingChanged,
		}
	}
	end := fmt.Sprintf("ss -HtnpK src %s dst %s", h.Local, h.Remote)
	a := Advice{
		Action: fmt.Sprintf("Then end the connection of %s to %s, which still has port %d, and %s", holderName(h), phrase.Endpoint(h.Remote), port, then),
		Risk: fmt.Sprintf("The connection ends with a RST, and the request on it fails. A restart ends all connections of the program, and can leave the port in TIME_WAIT for %s more.",
			phrase.Spelled(t.timeWait())),
		Safety: CheckFirst,
	}
	other := "restart the program that ss -Htanp shows"
	if h.Proc.Known() {
		other = fmt.Sprintf("restart %s", holderName(h))
	}
	a.Action += fmt.Sprintf(". ss prints the connection that it has ended; if it prints none, the kernel cannot (CONFIG_INET_DIAG_DESTROY): %s", other)
	a.Command = lines(t.enter()+end, "# printed nothing? "+other, "# then "+then)
	return a
}

func holderName(h *snapshot.HeldBy) string { return phrase.Program(&h.Info) }

// heldBy returns the socket that was in the way, nil if it is not known.
func (t *trouble) heldBy(reason event.Reason) *snapshot.HeldBy {
	if f := t.failure(reason); f != nil {
		return f.HeldBy
	}
	return nil
}

// failure returns the newest failure of that reason of the subject of which it is known what was
// in the way, nil without one. Two programs can fail at one port.
func (t *trouble) failure(reason event.Reason) (newest *snapshot.Failure) {
	for i := range t.snap.Failures {
		f := &t.snap.Failures[i]
		if f.Netns != t.plan.Inode || f.Reason != reason || f.HeldBy == nil {
			continue
		}
		if p := t.Subject.Port; p != 0 && f.Target.Port != p && f.Local.Port != p {
			continue
		}
		if t.Cause == RangeOverlapsListeners && !heldByConnection(f) {
			continue
		}
		if newest == nil || f.Last.After(newest.Last) {
			newest = f
		}
	}
	return newest
}
