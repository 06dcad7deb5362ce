package doctor

import (
	"fmt"
	"slices"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// boundEarly reports whether ports that programs have bound before connect() are what is
// missing.
func (c *shortage) boundEarly(m mix, most int) bool {
	if c.Kind == snapshot.ConnectSpace {
		return m.bound == most && most > 0 || (m.bound+c.boundElsewhere(m))*2 > c.Taken()
	}
	if c.stage != failing {
		return false
	}
	// A bind(0) fails although a connect() of the same address would find a port: to every
	// destination there is room, but for what is bound.
	p := c.binder()
	if p.name == "" || !c.isVictim(p.name) || c.j.fullFrom(c.Netns, c.Local) {
		return false
	}
	return c.j.earlyBinds(p.name) > 0 || c.heldBefore(m)
}

// binder returns the program with most ports of a bind space; if all are older than the trace, the
// only one whose calls find none.
func (c *shortage) binder() program {
	if p := c.programs.most((*program).ports); p.name != "" {
		return p
	}
	return c.onlyVictim()
}

// heldBefore reports whether most ports of a bind space are those of connections that are older than
// the trace: then no connection of the program has shown yet that it binds before it connects.
func (c *shortage) heldBefore(m mix) bool {
	return before(c.PortSpace)*2 > c.Taken() && (m.timeWait+m.open+m.closeWait)*2 > c.Taken()
}

// boundElsewhere returns how many ports are in TIME_WAIT towards other destinations at least: those
// were bound before connect(), as others would not be missing here. Buckets of which porttrace does
// not know which end connected are in the row of no destination: so it must be known that the
// program binds. If that is not the one with most ports, as the owners of most are not known, only
// those count that are known to be of other destinations.
func (c *shortage) boundElsewhere(m mix) int {
	if c.dest == nil || m.timeWait <= int(c.dest.TimeWaitOut) {
		return 0
	}
	elsewhere := m.timeWait - int(max(c.dest.TimeWaitOut, 0))
	if p := c.programs.most((*program).ports); p.name != "" && c.j.earlyBinds(p.name) > 0 {
		return elsewhere
	}
	if c.otherBinder().name == "" {
		return 0
	}
	return min(elsewhere, c.timeWaitElsewhere())
}

// timeWaitElsewhere returns how many ports connections to other destinations of the namespace keep in TIME_WAIT.
func (c *shortage) timeWaitElsewhere() (n int) {
	for i := range c.j.s.Destinations {
		d := &c.j.s.Destinations[i]
		if d.Netns == c.Netns && d.Proto == c.Proto && d.Remote != c.Remote && !d.NetnsGone {
			n += int(max(d.TimeWaitOut, 0))
		}
	}
	return n
}

// otherBinder returns the program that binds ports in the namespace before it connects to other destinations: the
// one with most such connections, else the only one whose bind() to the address finds no port.
func (c *shortage) otherBinder() program {
	best, most := program{}, uint64(0)
	for i := range c.j.s.Processes {
		p := &c.j.s.Processes[i]
		elsewhere := slices.ContainsFunc(p.Destinations, func(d snapshot.Pair) bool { return d.Netns == c.Netns && d.Remote != c.Remote })
		if name := programOf(&p.Info); name != "" && elsewhere && p.EarlyBinds > most {
			best, most = program{name: name, proc: p.Info}, p.EarlyBinds
		}
	}
	if most > 0 {
		return best
	}
	for i := range c.j.s.PortSpaces {
		s := &c.j.s.PortSpaces[i]
		if s.Kind == snapshot.BindSpace && s.Proto == c.Proto && s.Netns == c.Netns && s.Local == c.Local && !s.NetnsGone {
			bind := shortage{PortSpace: s, j: c.j}
			return bind.onlyVictim()
		}
	}
	return program{}
}

func (c *shortage) isVictim(program string) bool {
	return slices.ContainsFunc(c.victims(), func(v Victim) bool { return programOf(&v.Proc) == program })
}

// earlyBinds returns how many connections of a program had a port before connect(), as far as it
// is known: an older recording shows only how often it has bound one.
func (j *judge) earlyBinds(name string) (n uint64) {
	for i := range j.s.Processes {
		p := &j.s.Processes[i]
		if (p.EarlyBinds == 0 && p.Binds == 0) || programOf(&p.Info) != name {
			continue
		}
		if p.EarlyBinds > 0 {
			n += p.EarlyBinds
		} else if p.Binds*2 > p.Opens && p.Opens >= manyBinds {
			n += min(p.Binds, p.Opens)
		}
	}
	return n
}

// manyBinds is how many opens and binds of a program are enough to say that they belong together.
const manyBinds = 10

// fullFrom reports whether the connections from the address to one destination take all ports, those
// to others aside.
func (j *judge) fullFrom(netns uint32, local event.Addr) bool {
	for i := range j.s.PortSpaces {
		s := &j.s.PortSpaces[i]
		if s.Kind != snapshot.ConnectSpace || s.Netns != netns || s.Local != local || !s.IsFull() {
			continue
		}
		own := s.Live
		if d := j.ends.Destination(s.Peer()); d != nil {
			own += min(s.TimeWait, int(max(d.TimeWaitOut, 0)))
		}
		if own >= s.Capacity {
			return true
		}
	}
	return false
}

func (c *shortage) earlyBind(m mix) Finding {
	if c.Kind == snapshot.BindSpace {
		return c.earlyBindSpace(m)
	}
	p, taken := c.programs.most(func(p *program) int { return p.bound }), m.bound
	if elsewhere := c.boundElsewhere(m); elsewhere > m.bound {
		p, taken = c.programs.most((*program).ports), m.bound+elsewhere
		if c.j.earlyBinds(p.name) == 0 {
			p = program{} // it has most of the ports whose owner is known, and they are few
		}
	}
	if p.name == "" {
		p = c.otherBinder()
	}
	early := c.j.earlyBinds(p.name)
	text := fmt.Sprintf("%s takes ports by bind() that it does not connect to %s: %s are lost to every connect() of its network namespace by that, and %s",
		p.who(), c.to(), c.all(taken), c.effect())
	if early > 0 {
		text = fmt.Sprintf("%s binds a local port before it connects to other destinations: %s are lost to every connect() of its network namespace by that, also to %s, and %s",
			p.who(), c.all(taken), c.to(), c.effect())
	}
	f := c.finding(EarlyBind, &p, text)
	f.ID = id(EarlyBind, p.name)
	return f
}

// earlyBindSpace is of bind() calls that find no port of an address.
func (c *shortage) earlyBindSpace(m mix) Finding {
	p := c.binder()
	if p.name == "" {
		p = c.main((*program).ports)
	}
	text := fmt.Sprintf("%s binds a port of %s before each connect(): a port that is taken so serves one connection on the whole address, not one for each destination, and %s",
		p.who(), c.to(), c.effect())
	if c.j.earlyBinds(p.name) == 0 {
		text = fmt.Sprintf("%s calls bind() to %s and port 0, which wants a port that no connection of that address has: %s are kept by connections to all destinations together, and %s",
			p.who(), c.to(), c.all(m.timeWait+m.open+m.closeWait), c.effect())
	}
	f := c.finding(EarlyBind, &p, text)
	f.ID = id(EarlyBind, p.name)
	return f
}
