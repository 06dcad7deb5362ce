package doctor

import (
	"fmt"
	"strings"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// The knobs of the namespace.
const (
	keyRange    = "net.ipv4.ip_local_port_range"
	keyReserved = "net.ipv4.ip_local_reserved_ports"
	keyReuse    = "net.ipv4.tcp_tw_reuse"
	keyBuckets  = "net.ipv4.tcp_max_tw_buckets"
)

// mostAddresses is up to how many local addresses are advised.
const mostAddresses = 64

// adviseChurn is for a connection for each request.
func (t *trouble) adviseChurn() []Advice {
	return []Advice{t.keepAlive(), t.moreAddresses(), t.rangeAdvice(), t.reuseAdvice()}
}

// adviseBurst is for too many connections at a time.
func (t *trouble) adviseBurst() []Advice {
	return []Advice{t.keepAlive(), t.moreAddresses(), t.rangeAdvice()}
}

// adviseRange is for a range that is the trouble itself.
func (t *trouble) adviseRange() []Advice {
	if t.space != nil && t.space.PerSocketRange {
		return []Advice{t.ownRange(), t.keepAlive()}
	}
	t.plan.setUsualRange()
	if t.space != nil && t.space.Kind == snapshot.BindSpace { // it is a bind() that finds no port
		return []Advice{t.rangeAdvice(), t.bindLate(), t.keepAlive()}
	}
	return []Advice{t.rangeAdvice(), t.keepAlive(), t.moreAddresses()}
}

// keepAlive is the advice to open fewer connections, in the words of the program.
func (t *trouble) keepAlive() Advice {
	if !t.proc.ID.Known() && !t.remote().Known() {
		return Advice{}
	}
	n := t.pool()
	a := t.recipe.keep(t, n)
	switch t.Cause {
	case SNAT, ConntrackFull, TimeWaitOverflow: // the ports of this host are not what is scarce
	default:
		a.change = change{pool: n}
	}
	return a
}

// rangeAdvice sets the range of the plan.
func (t *trouble) rangeAdvice() Advice {
	p := t.plan
	if !p.ports.Known() || t.space != nil && t.space.PerSocketRange {
		return Advice{}
	}
	a := Advice{
		Action: fmt.Sprintf("Set the port range to %d-%d (%s ports, now %d-%d: %s)", p.ports.Low, p.ports.High,
			phrase.Grouped(p.capacityAfter()), p.Ports.Low, p.Ports.High, phrase.Grouped(capacity(p.Ports, event.ParsePortSet(p.Reserved)))),
		Risk:   "Little: this is the range that Linux has by default. A firewall that allows only the old range must learn the new one.",
		change: change{ports: p.capacityAfter()},
	}
	if p.ports != defaultRange {
		a.Safety = CheckFirst
		a.Risk = "A service that is started later at a port of the range can find it taken by an outgoing connection: reserve its port. " +
			"A firewall that allows only the old range must learn the new one."
	}
	if !p.suffices {
		a.Action += ", as a part of the remedy: alone it leaves too few ports free"
	}
	settings := []setting{{keyRange, rangeValue(p.ports.Low, p.ports.High), rangeValue(p.Ports.Low, p.Ports.High)}}
	if p.rangeReserves {
		a.Action += ". Reserve the ports in it that are for services"
		if p.reserve.HoldsAll(nodePorts) && !event.ParsePortSet(p.Reserved).HoldsAll(nodePorts) {
			a.Action += ", NodePorts of Kubernetes among them"
		}
		settings = append([]setting{{keyReserved, p.reserve.String(), p.Reserved}}, settings...)
	}
	return t.set(a, settings...)
}

func rangeValue(low, high uint16) string { return fmt.Sprintf("%d %d", low, high) }

// ownRange is for sockets that have a range of their own.
func (t *trouble) ownRange() Advice {
	r := t.space.Range
	return Advice{
		Action: fmt.Sprintf("%s gives its sockets a port range of their own, %d-%d: widen it there, or leave IP_LOCAL_PORT_RANGE out",
			t.name(), r.Low, r.High),
		Command: "setsockopt(fd, IPPROTO_IP, IP_LOCAL_PORT_RANGE, ...)  /* remove this call */",
		Undo:    "put the call back",
		Risk:    "Programs that share the host by ranges can then take the ports of one another.",
		Safety:  CheckFirst,
		change:  change{ports: capacity(t.plan.Ports, t.plan.reserve)},
	}
}

// moreAddresses spreads the connections over several local addresses: each has its own ports.
func (t *trouble) moreAddresses() Advice {
	n := t.plan.addresses(&t.use)
	if t.space == nil || n == 0 || n > mostAddresses || t.fitsNow() {
		return Advice{}
	}
	a := t.recipe.spread(t, n)
	a.Safety = CheckFirst
	a.change = change{sources: n, ports: t.plan.capacityAfter()}
	if t.plan.capacityAfter() > capacity(t.plan.Ports, t.plan.reserve) {
		a.Action += fmt.Sprintf(", with the port range %d-%d", t.plan.ports.Low, t.plan.ports.High)
	}
	return a
}

// fitsNow reports whether the range, as it is or will be, does without further addresses.
func (t *trouble) fitsNow() bool {
	return float64(t.use.ports()+t.use.bound) <= goodShare*float64(t.plan.capacityAfter())
}

// reuseAdvice is tcp_tw_reuse, for ports that are in TIME_WAIT: it helps connect() alone, and
// only if both ends send TCP timestamps, by which the peer knows an old segment from a new one
// (tcp_twsk_unique, net/ipv4/tcp_ipv4.c).
func (t *trouble) reuseAdvice() Advice {
	p, s := t.plan, t.space
	switch {
	case s == nil, s.Kind != snapshot.ConnectSpace, s.TimeWait == 0, p.Reuse == 1, p.reuses(s):
		return Advice{}
	case p.Timestamps.Known() && p.Timestamps.Value() == 0, s.Unstamped*2 > s.TimeWait:
		return Advice{}
	}
	a := Advice{
		Action: "Let connect() take ports again that have been in TIME_WAIT for a second: tcp_tw_reuse=1",
		Risk: "Both ends must use TCP timestamps (this one does), and every connect() of the namespace is affected. Behind NAT, or a load balancer that changes timestamps, " +
			"a server can refuse or ignore the SYN of a reused port.",
		Safety: CheckFirst,
		change: change{reuse: true},
	}
	value := "1"
	if !p.leavesHost {
		value = "2"
		a.Action = "Let connect() over loopback take ports again that have been in TIME_WAIT for a second: tcp_tw_reuse=2, as Linux has it by default"
		a.Risk, a.Safety = "Little: it concerns connections over loopback only.", Safe
	}
	return t.set(a, setting{keyReuse, value, fmt.Sprint(p.Reuse)})
}

// adviseReservedRange is for a range of which too much is reserved.
func (t *trouble) adviseReservedRange() []Advice {
	present := event.ParsePortSet(t.plan.Reserved)
	needed := event.PortSet{}
	for _, listen := range t.plan.ListenPorts {
		for _, r := range present {
			if low, high := max(r.Low, listen.Low), min(r.High, listen.High); low <= high {
				needed = needed.With(event.PortRange{Low: low, High: high})
			}
		}
	}
	text := "no program listens at a reserved port now"
	if len(needed) > 0 {
		text = "of the reserved ports programs listen now only at " + needed.String()
	}
	free := t.set(Advice{
		Action: fmt.Sprintf("Reserve only ports that services use; %s of the range %d-%d are reserved, and %s",
			phrase.Grouped(present.Within(t.plan.Ports)), t.plan.Ports.Low, t.plan.Ports.High, text),
		Risk:   "A service that is not running now can find its port taken when it starts.",
		Safety: CheckFirst,
	}, setting{keyReserved, "<ports of services, as 8080,9000-9100>", t.plan.Reserved})
	return []Advice{t.rangeAdvice(), free, t.keepAlive()}
}

// reservePorts reserves the port of the subject, and those of the plan. Writing
// ip_local_reserved_ports replaces the list, so what is reserved already is repeated.
func (t *trouble) reservePorts() Advice {
	p, port := t.plan, t.Subject.Port
	set := p.reserve
	what := "the ports of the range at which services listen"
	if port != 0 {
		if !p.Ports.Holds(port) || event.ParsePortSet(p.Reserved).Holds(port) {
			return Advice{}
		}
		set, what = set.With(event.OnePort(port)), fmt.Sprintf("port %d", port)
	}
	if set.String() == event.ParsePortSet(p.Reserved).String() {
		return Advice{}
	}
	return t.set(Advice{
		Action: fmt.Sprintf("Reserve %s: in the port range %d-%d any outgoing connection can have such a port", what, p.Ports.Low, p.Ports.High),
		Risk:   "Reserving does nothing to open connections. The list replaces the old one, which is contained in it.",
		Safety: Safe,
	}, setting{keyReserved, set.String(), p.Reserved})
}

// name returns the program in a sentence.
func (t *trouble) name() string {
	if !t.proc.ID.Known() {
		return "the program"
	}
	return phrase.Program(&t.proc)
}

// remoteWord returns the remote end in a command, a placeholder if it is not known.
func (t *trouble) remoteWord() string {
	if r := t.remote(); r.Known() {
		return phrase.Endpoint(r)
	}
	return "<address:port>"
}

// lines joins the lines of a command.
func lines(list ...string) string { return strings.Join(list, "\n") }
