package doctor

import (
	"fmt"
	"math"
	"slices"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/snapshot"
)

const (
	// A load that takes less than one port in modestShare of the usual range is healthy: it is the
	// range that is at fault. 1,400 connections at a time, or 23 per second that leave TIME_WAIT.
	modestShare = 20
	// leakSeconds is for how long connections must have been opened, and next to none closed, to
	// call them a leak and not a pool.
	leakSeconds = 10
)

// cause decides by what takes the ports, and how that came about.
func (c *shortage) cause() Finding {
	m := mixOf(c.PortSpace)
	most := max(m.bound, m.silent, m.closeWait, m.timeWait, m.open)
	if c.settled() || c.Kind == snapshot.BindSpace {
		return c.byMix(m, most)
	}
	return c.afterwards(m, most)
}

// settled reports whether what takes the ports now is what made calls fail. A batch of
// connections can be gone a second later.
func (c *shortage) settled() bool { return c.stage != failing || c.IsNearlyFull() }

// afterwards decides by how the connections came, as most of them are gone.
func (c *shortage) afterwards(m mix, most int) Finding {
	if most*2 < c.Capacity && c.past.burst*2 >= c.Capacity && c.past.span <= 2*burstSeconds {
		return c.byRange(m, c.burst(m))
	}
	if most == 0 || m.open == most {
		return c.byRange(m, c.churn(m))
	}
	return c.byMix(m, most)
}

func (c *shortage) byMix(m mix, most int) Finding {
	switch {
	case c.boundEarly(m, most):
		return c.earlyBind(m)
	case m.silent == most:
		return c.unanswered(m)
	case m.closeWait == most:
		return c.closeWaitLeak(m)
	case m.timeWait == most:
		return c.byRange(m, c.churn(m))
	case c.leaks():
		return c.leak(m)
	case c.past.span >= leakSeconds && c.past.closes*3 >= c.past.opens:
		return c.byRange(m, c.churn(m)) // as many end as begin, but there are too many at a time
	}
	return c.byRange(m, c.burst(m))
}

// leaks reports whether the connections are opened one after another and hardly one is closed.
// Of those from before start it is not known how they came: a program that goes on opening, and
// closes none of them, leaks.
func (c *shortage) leaks() bool {
	p := c.main(func(p *program) int { return p.live })
	if c.past.opens == 0 {
		return c.before()*2 > c.Taken() && c.j.s.Elapsed >= seenAtLeast && (c.dest == nil || c.dest.ClosesOut == 0)
	}
	stays := p.name == "" || p.closes*3 <= p.opens
	return stays && c.past.span >= leakSeconds && c.past.closes*3 <= c.past.opens && c.past.burst*10 <= c.past.opens*8
}

// before returns how many ports are held by sockets that are older than the trace.
func (c *shortage) before() (n int) {
	for i := range c.Holders {
		n += c.Holders[i].Before
	}
	return n + c.OtherHolders.Before
}

// byRange returns the finding that the range is too small, if the load of f is one that any usual
// range serves.
func (c *shortage) byRange(m mix, f Finding) Finding {
	size := c.Range.Size()
	need := c.needs(m)
	switch reserved := size - c.Capacity; {
	case reserved*2 > size && need*5 <= size*4:
		return c.reservedRange(&f, reserved, size)
	case size < defaultRange.Size() && need*modestShare <= defaultRange.Size():
		return c.narrowRange(m, &f, size)
	}
	return f
}

// needs returns how many ports the load takes at a time if it gets them. Calls that fail and are
// made again count again: it can be less, and no more.
func (c *shortage) needs(m mix) int {
	need := max(c.Peak, c.Taken())
	if m.timeWait <= m.open {
		if !c.settled() {
			need = max(need, c.past.burst) // they are gone, and with them how many there were
		}
		return need
	}
	seconds := c.TimeWaitLength.Seconds()
	calls, rate := c.past.calls()
	if c.past.over >= burstSeconds { // it is over, and took no more than that
		return max(need, min(calls, int(rate*seconds)))
	}
	return max(need, int(c.Wanted*seconds), min(calls, int(rate*seconds)))
}

// main returns the program with most of the ports by a measure, if none has any the one that has
// opened most connections.
func (c *shortage) main(measure func(*program) int) program {
	if p := c.programs.most(measure); p.name != "" {
		return p
	}
	return c.programs.most(func(p *program) int { return int(min(p.opens, math.MaxInt32)) })
}

func (c *shortage) finding(cause Cause, p *program, summary string) Finding {
	f := Finding{Cause: cause, ID: id(cause, p.name, c.to()), Summary: summary}
	f.Subject.Proc = p.proc.ID
	return f
}

func (c *shortage) churn(m mix) Finding {
	p := c.main(func(p *program) int { return p.timeWait })
	closed := "it has already closed"
	if p.name == "" { // what holds the ports is older than the trace
		p, closed = c.onlyVictim(), "were closed before porttrace started"
	}
	text := fmt.Sprintf("%s %s to %s", p.who(), c.demand(), c.to())
	if c.Kind == snapshot.BindSpace {
		text = fmt.Sprintf("%s opens connections from %s and closes them", p.who(), c.to())
	}
	switch {
	case m.timeWait > m.open:
		text += fmt.Sprintf(": %s are kept by connections that %s (TIME_WAIT, %.0f s each), and %s",
			c.all(m.timeWait), closed, c.TimeWaitLength.Seconds(), c.effect())
	default:
		text += fmt.Sprintf(" that last too long for that: %s were in use at once, and %s", c.all(max(c.Taken(), c.Peak)), c.effect())
	}
	return c.finding(Churn, &p, text)
}

// onlyVictim returns the program whose calls find no port if that is one only.
func (c *shortage) onlyVictim() program {
	victims := c.victims()
	if len(victims) != 1 {
		return program{}
	}
	proc := victims[0].Proc
	return program{name: programOf(&proc), proc: proc}
}

// callers returns the programs whose calls find no port, in a sentence.
func (c *shortage) callers() string {
	victims := c.victims()
	if len(victims) == 0 {
		return "an unknown program"
	}
	text := named(&victims[0].Proc)
	if len(victims) > 1 {
		text += " and others"
	}
	return text
}

// demand returns how many connections the program wants.
func (c *shortage) demand() string {
	if c.stage == failing {
		return "tries to open " + phrase.Rate(c.rate()) + " connections/s"
	}
	return "opens " + phrase.Rate(c.rate()) + " connections/s"
}

// rate returns how many connections/s are wanted: those of the load, of which this space may have a
// part.
func (c *shortage) rate() float64 {
	if c.dest == nil || c.past.active == 0 {
		return c.Wanted
	}
	rate := c.past.rate()
	if c.Opens > 0 && c.Opens < c.dest.Opens {
		rate *= float64(c.Opens) / float64(c.dest.Opens)
	}
	return rate
}

func (c *shortage) leak(m mix) Finding {
	p := c.main(func(p *program) int { return p.live })
	text := fmt.Sprintf("%s keeps opening connections to %s and hardly closes any: %s are held by open connections, and %s",
		p.who(), c.to(), c.all(m.open+m.closeWait), c.effect())
	if c.past.closes == 0 && (c.dest == nil || c.dest.ClosesOut == 0) {
		text = fmt.Sprintf("%s keeps its connections to %s open and has closed none in the %s that porttrace has watched: %s are held by them, and %s",
			p.who(), c.to(), phrase.Elapsed(c.j.s.Elapsed), c.all(m.open+m.closeWait), c.effect())
	}
	return c.finding(Leak, &p, text)
}

func (c *shortage) closeWaitLeak(m mix) Finding {
	p := c.main(func(p *program) int { return p.closeWait })
	return c.finding(CloseWaitLeak, &p, fmt.Sprintf(
		"%s does not close connections to %s that the other end has closed: %s are kept by them (CLOSE_WAIT), and %s",
		p.who(), c.to(), c.all(m.closeWait), c.effect()))
}

func (c *shortage) burst(m mix) Finding {
	p := c.main(func(p *program) int { return p.live })
	used := max(c.Taken(), c.Peak)
	if used < c.past.burst && used*2 < c.Capacity { // all are gone, and with them how many there were
		return c.finding(Burst, &p, fmt.Sprintf("%s opens more connections to %s at once than there are ports: %s within %d s for %s ports, and %s",
			p.who(), c.to(), phrase.Count(c.past.burst), burstSeconds, phrase.Count(c.Capacity), c.effect()))
	}
	return c.finding(Burst, &p, fmt.Sprintf("%s opens more connections to %s at the same time than there are ports: %s were in use at once, and %s",
		p.who(), c.to(), c.all(used), c.effect()))
}

func (c *shortage) unanswered(m mix) Finding {
	p := c.main(func(p *program) int { return p.live })
	return c.finding(HalfOpen, &p, fmt.Sprintf("%s does not answer %s: %s are kept by connection attempts without an answer (SYN_SENT), and %s",
		c.to(), p.who(), c.all(m.silent), c.effect()))
}

// narrowRange says that the load is one for which the usual range has room. The program and the
// destination come first: a headline can be cut.
func (c *shortage) narrowRange(m mix, of *Finding, size int) Finding {
	p := c.main((*program).ports)
	ports := fmt.Sprintf("this namespace has only %s ports (%d to %d)", phrase.Count(size), c.Range.Low, c.Range.High)
	if c.PerSocketRange {
		ports = fmt.Sprintf("the program has limited its sockets to %s ports (%d to %d, IP_LOCAL_PORT_RANGE)", phrase.Count(size), c.Range.Low, c.Range.High)
	}
	f := *of
	f.Cause, f.ID = NarrowRange, id(NarrowRange, p.name, c.to())
	if c.Kind == snapshot.BindSpace {
		f.Summary = fmt.Sprintf("bind() of %s to %s and port 0: %s; %s, Linux sets %s", c.callers(), c.to(), c.effect(), ports, phrase.Count(defaultRange.Size()))
		return f
	}
	f.Summary = fmt.Sprintf("%s to %s: %s would fit into the usual %s ports, but %s, and %s",
		p.who(), c.to(), c.load(m), phrase.Count(defaultRange.Size()), ports, c.effect())
	return f
}

// load returns how many connections the program wants, per second or at a time.
func (c *shortage) load(m mix) string {
	if rate := c.rate(); m.timeWait > m.open && rate > 0 {
		return phrase.Rate(rate) + " connections/s"
	}
	return phrase.Plural(uint64(max(c.needs(m), 0)), "connection") + " at a time"
}

func (c *shortage) reservedRange(of *Finding, reserved, size int) Finding {
	p := c.main((*program).ports)
	f := *of
	f.Cause, f.ID = ReservedRange, id(ReservedRange, p.name, c.to())
	f.Summary = fmt.Sprintf("%s to %s: net.ipv4.ip_local_reserved_ports takes %s of the %s ports of the range away, %s are left, and %s",
		p.who(), c.to(), phrase.Count(reserved), phrase.Count(size), phrase.Count(c.Capacity), c.effect())
	if c.Kind == snapshot.BindSpace {
		f.Summary = fmt.Sprintf("bind() of %s to %s and port 0: net.ipv4.ip_local_reserved_ports takes %s of the %s ports of the range away, %s are left, and %s",
			c.callers(), c.to(), phrase.Count(reserved), phrase.Count(size), phrase.Count(c.Capacity), c.effect())
	}
	return f
}

// netns returns the name of a namespace.
func (j *judge) netns(inode uint32) string {
	if n := j.s.Namespace(inode); n != nil {
		return phrase.Netns(n.Name, inode)
	}
	return phrase.Netns("", inode)
}

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
	return c.before()*2 > c.Taken() && (m.timeWait+m.open+m.closeWait)*2 > c.Taken()
}

// boundElsewhere returns how many ports are in TIME_WAIT towards other destinations at least: those
// were bound before connect(), as others would not be missing here. Buckets of which porttrace does
// not know which end connected are in the row of no destination: so it must be known that the
// program binds.
func (c *shortage) boundElsewhere(m mix) int {
	if c.dest == nil || m.timeWait <= int(c.dest.TimeWaitOut) {
		return 0
	}
	if p := c.programs.most((*program).ports); p.name == "" || c.j.earlyBinds(p.name) == 0 {
		return 0
	}
	return max(m.timeWait-int(max(c.dest.TimeWaitOut, 0)), 0)
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
		if d := j.destination(s.Netns, s.Proto, s.Remote); d != nil {
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
	p, taken := c.main(func(p *program) int { return p.bound }), m.bound
	if elsewhere := c.boundElsewhere(m); elsewhere > m.bound {
		p, taken = c.main((*program).ports), m.bound+elsewhere
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
