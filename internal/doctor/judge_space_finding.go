package doctor

import (
	"fmt"

	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/snapshot"
)

func (c *shortage) finding(cause Cause, p *program, summary string) Finding {
	f := Finding{Cause: cause, ID: id(cause, p.name, c.to()), Summary: summary}
	f.Subject.Proc = p.proc.ID
	return f
}

func (c *shortage) churn(m mix) Finding {
	p := c.main(func(p *program) int { return p.timeWait })
	closed := "it has already closed"
	if p.name == "" { // what holds the ports is older than the trace
		p, closed = c.onlyVictim(), "were closed before start"
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
// part. Of a load that has just begun the first of its seconds is not a whole one: then the rate by
// the clock is not less.
func (c *shortage) rate() float64 {
	if c.dest == nil || c.past.active == 0 {
		return c.Wanted
	}
	rate := c.past.rate()
	if c.Opens > 0 && c.Opens < c.dest.Opens {
		rate *= float64(c.Opens) / float64(c.dest.Opens)
	}
	if c.past.active <= burstSeconds {
		return max(rate, c.Wanted)
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
	if c.keptFromBefore() {
		text = fmt.Sprintf("%s holds %s to %s with connections from before start, and has closed none of them in the %s that porttrace has watched: %s",
			p.who(), c.all(m.open+m.closeWait), c.to(), phrase.Elapsed(c.j.s.Elapsed), c.effect())
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
		c.who(&p), c.to(), c.load(m), phrase.Count(defaultRange.Size()), ports, c.effect())
	return f
}

// who returns the program that fills the space, in a sentence; if it is not known, as its sockets are from
// before the start, those that call.
func (c *shortage) who(p *program) string {
	if p.name == "" {
		return c.callers()
	}
	return p.who()
}

// load returns how many connections the program wants, per second or at a time.
func (c *shortage) load(m mix) string {
	if rate := c.rate(); rate > 0 && (m.timeWait > m.open || c.needs(m) == 0) {
		return phrase.Rate(rate) + " connections/s"
	}
	return phrase.Plural(uint64(max(c.needs(m), 0)), "connection") + " at a time"
}

func (c *shortage) reservedRange(of *Finding, reserved, size int) Finding {
	p := c.main((*program).ports)
	f := *of
	f.Cause, f.ID = ReservedRange, id(ReservedRange, p.name, c.to())
	f.Summary = fmt.Sprintf("%s to %s: net.ipv4.ip_local_reserved_ports takes %s of the %s ports of the range away, %s are left, and %s",
		c.who(&p), c.to(), phrase.Count(reserved), phrase.Count(size), phrase.Count(c.Capacity), c.effect())
	if c.Kind == snapshot.BindSpace {
		f.Summary = fmt.Sprintf("bind() of %s to %s and port 0: net.ipv4.ip_local_reserved_ports takes %s of the %s ports of the range away, %s are left, and %s",
			c.callers(), c.to(), phrase.Count(reserved), phrase.Count(size), phrase.Count(c.Capacity), c.effect())
	}
	return f
}
