package doctor

import (
	"fmt"
	"slices"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
)

// manyRefused is from how many refused ports of one address on a program chooses its ports itself.
const manyRefused = 4

// portsTaken judges binds for ports that other sockets have. A program that tries one port after
// another is one trouble, if any.
func (j *judge) portsTaken(all []*calls) {
	type chooser struct {
		program string
		netns   uint32
		proto   event.Proto
		addr    event.Addr
	}
	refused := map[chooser][]*calls{}
	for _, g := range all {
		if g.reason == event.PortTaken {
			of := chooser{g.program, g.netns, g.proto, g.target.Addr}
			refused[of] = append(refused[of], g)
		}
	}
	for _, g := range all {
		if g.reason != event.PortTaken {
			continue
		}
		of := chooser{g.program, g.netns, g.proto, g.target.Addr}
		ports := refused[of]
		bindsEarly := slices.ContainsFunc(ports, func(o *calls) bool { return j.bindsEarly(o.Proc.ID) })
		switch {
		case len(ports) < manyRefused && !bindsEarly:
			j.portTaken(g, all)
		case ports[0] == g:
			j.ownPorts(ports, bindsEarly)
		}
	}
}

// bindsEarly reports whether a process has opened connections from ports that it had bound: then
// that is what it binds ports for, and not to listen.
func (j *judge) bindsEarly(proc event.ProcID) bool {
	for i := range j.s.Processes {
		if p := &j.s.Processes[i]; p.Info.ID == proc {
			return p.EarlyBinds > 0
		}
	}
	return false
}

// ownPorts judges a program that binds ports of its own choice, as HAProxy does with
// source ADDRESS:LOW-HIGH, and was refused some of them.
func (j *judge) ownPorts(ports []*calls, bindsEarly bool) {
	sum := *ports[0]
	sum.count, sum.victims = 0, nil
	mine := 0
	for _, g := range ports {
		sum.count += g.count
		sum.victims = mergeVictims(sum.victims, g.victims)
		if g.first.Before(sum.first) {
			sum.first = g.first
		}
		if !g.last.Before(sum.last) {
			sum.last, sum.Failure = g.last, g.Failure
		}
		if h := g.HeldBy; h != nil && h.Outgoing && programOf(&h.Info) == g.program {
			mine++
		}
	}
	address := sum.target.Addr.IP()
	if mine*2 < len(ports) && !bindsEarly { // it tries ports until it finds a free one
		f := sum.finding(PortTaken, address.String(), fmt.Sprintf("%s asks for one port of %s after another: %s were in use", sum.who(), address, phrase.Plural(len(ports), "port")))
		f.Severity = Info
		j.add(f)
		return
	}
	by := "by other connections"
	if mine*2 >= len(ports) {
		by = "by its own connections"
	}
	f := sum.finding(EarlyBind, "", fmt.Sprintf("%s binds ports of %s of its own choice before it connects: %s failed, for %s in use %s",
		sum.who(), address, phrase.Plural(sum.count, "bind() call"), phrase.Plural(len(ports), "port"), by))
	f.Subject.Local = sum.target.Addr
	sum.addHolder(&f)
	j.add(f)
}

// portTaken judges binds for one port that another socket has.
func (j *judge) portTaken(g *calls, all []*calls) {
	f := j.takenBy(g)
	f.Subject.Port = g.target.Port
	// The next scan can show the holder, and with it a cause that says more.
	f.trouble, f.unsettled = fmt.Sprintf("port:%s:%d:%s:%s", g.program, g.netns, g.proto, g.target), g.HeldBy == nil
	g.addHolder(&f)
	if !g.insists(all) {
		f.Severity = Info // a program that tries ports until it finds a free one
	}
	j.add(f)
}

// takenBy returns the finding by what has the port.
func (j *judge) takenBy(g *calls) Finding {
	if g.takenByConnection(j) {
		return j.rangeOverlaps(g)
	}
	where := phrase.Remote(g.proto, g.target)
	text := fmt.Sprintf("%s cannot have port %s: another socket has it", g.who(), where)
	h := g.HeldBy
	switch {
	case h == nil:
	case h.State == event.StateListen:
		text = fmt.Sprintf("%s cannot have port %s: %s listens there already", g.who(), where, named(&h.Info))
	case h.State == event.StateTimeWait && h.FreeIn >= 0:
		text = fmt.Sprintf("%s cannot have port %s for another %s: a connection that was closed on it is in TIME_WAIT, and the program does not set SO_REUSEADDR",
			g.who(), where, phrase.Elapsed(h.FreeIn))
	default:
		text = fmt.Sprintf("%s cannot have port %s: %s has it", g.who(), where, phrase.HeldBy(&h.Holder, &h.Info, h.FreeIn))
	}
	return g.finding(PortTaken, where, text)
}

// takenByConnection reports whether an outgoing connection of another process has the port, which
// is one of the range.
func (g *calls) takenByConnection(j *judge) bool {
	h, n := g.HeldBy, j.s.Namespace(g.netns)
	if h == nil || n == nil || !n.Ports.Holds(g.target.Port) {
		return false
	}
	return h.ToItself() || h.Outgoing && (!h.Proc.Known() || h.Proc != g.Proc.ID)
}

// rangeOverlaps says that a service cannot start as an outgoing connection has its port.
func (j *judge) rangeOverlaps(g *calls) Finding {
	h, ports := g.HeldBy, j.s.Namespace(g.netns).Ports
	where := phrase.Remote(g.proto, g.target)
	has := "an outgoing connection of " + named(&h.Info) + " to " + phrase.Endpoint(h.Remote) + " has that port"
	if h.ToItself() {
		has = named(&h.Info) + " wanted to connect to that port while no process listened there, was given the same port, and is connected to itself"
	}
	f := g.finding(RangeOverlapsListeners, where, fmt.Sprintf("%s cannot start to listen on %s: %s (connections are given ports from %d to %d)",
		g.who(), where, has, ports.Low, ports.High))
	f.Subject.Remote = h.Remote
	if g.count > 1 {
		f.Severity = Critical // a service that tries again, and is down
	}
	return f
}

// probes is from how many ports on a program tries one after another until it finds a free one.
const probes = 3

// insists reports whether the program wants that very port: it does not just try several.
func (g *calls) insists(all []*calls) bool {
	ports := 0
	for _, o := range all {
		if o.program == g.program && o.netns == g.netns && o.reason == g.reason && o.count <= uint64(max(o.processes(), 1)) {
			ports++
		}
	}
	return ports < probes || g.count > uint64(max(g.processes(), 1))
}

func (g *calls) processes() int { return len(g.victims) }

func (g *calls) addHolder(f *Finding) {
	if h := g.HeldBy; h != nil {
		f.Evidence = append(f.Evidence, Evidence{
			Text: "the port is held by " + phrase.HeldBy(&h.Holder, &h.Info, h.FreeIn), At: g.last, Proc: h.Info,
		})
	}
}

// tupleTaken judges connects of a bound port whose connection to that destination exists already.
func (j *judge) tupleTaken(g *calls) {
	to := phrase.Remote(g.proto, g.target)
	why := "the local port that it has bound is connected to that destination already, or in TIME_WAIT"
	if h := g.HeldBy; h != nil {
		why = "local port " + fmt.Sprint(h.Local.Port) + ", which it has bound, already has a connection to that destination: " + phrase.HeldBy(&h.Holder, &h.Info, h.FreeIn)
	}
	f := g.finding(TupleTaken, to, fmt.Sprintf("%s cannot connect to %s: %s. Ports are not scarce", g.who(), to, why))
	f.Subject.Remote, f.Subject.Local, f.Subject.Port = g.target, g.Local.Addr, g.Local.Port
	g.addHolder(&f)
	j.add(f)
}
