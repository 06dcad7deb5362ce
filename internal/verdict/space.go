package verdict

import (
	"slices"
	"time"

	"github.com/porttrace/porttrace/internal/doctor"
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/snapshot"
)

const (
	// fullWithin is within which time a space must become full to be worth a warning.
	fullWithin = 10 * time.Minute
	// fillsAtLeast is the share that must be taken by then: below, a load that has just begun
	// still shows too little of how its connections end.
	fillsAtLeast = 0.1
	// poolAtMost is the same of connections that are opened and not closed: those can be a pool.
	poolAtMost = 0.3
	// someCloseAtMost is the same of connections some of which are closed.
	someCloseAtMost = 0.6
	// seenAtLeast is for how long that must have been watched.
	seenAtLeast = 5 * time.Second
	// failsNow is within which time of its last occurrence a failure is one of now.
	failsNow = 2 * time.Second
)

// spaces adds the port spaces in trouble. Several that one program fills by bind() are one.
func (c *collector) spaces() {
	for i := range c.s.PortSpaces {
		if space := &c.s.PortSpaces[i]; !space.NetnsGone {
			c.space(space)
		}
	}
}

func (c *collector) space(space *snapshot.PortSpace) {
	finding := c.findingOf(space)
	shared := finding != nil && c.used[finding.Key()]
	sp := &spaceTrouble{PortSpace: space, c: c, finding: finding}
	switch {
	case space.ExhaustedRecently(c.s.Wall):
		for _, f := range c.ends.Denied(space) {
			c.explained[f] = true
		}
		if !shared || space.Kind == snapshot.ConnectSpace && finding.Cause != doctor.EarlyBind {
			c.add(sp.failing())
		}
	case shared, space.Kind == snapshot.BindSpace && space.Proto == event.TCP:
		// The connections of an address fill its bind space without harm if no program calls
		// bind(0).
	case space.IsFull():
		c.add(sp.full())
	case sp.fills():
		switch early := c.earlyBinder(space); {
		case !early.Known():
			c.add(sp.filling())
		case !c.joinsEarly(sp, early):
			c.add(sp.fillingEarly())
		}
	}
}

// spaceTrouble is a port space in trouble, and the finding about it, nil if there is none.
type spaceTrouble struct {
	*snapshot.PortSpace
	c       *collector
	finding *doctor.Finding
}

// spaceCauses are the causes of findings about port spaces.
var spaceCauses = map[doctor.Cause]bool{
	doctor.Churn: true, doctor.Leak: true, doctor.CloseWaitLeak: true, doctor.Burst: true, doctor.EarlyBind: true,
	doctor.HalfOpen: true, doctor.NarrowRange: true, doctor.ReservedRange: true, doctor.UDPPorts: true,
}

// findingOf returns the finding about a space, nil without one. One about ports that are bound
// early concerns all spaces of the namespace.
func (c *collector) findingOf(space *snapshot.PortSpace) *doctor.Finding {
	udp := space.Proto == event.UDP
	exact := c.ofSpaces.exact[spaceEnds{space.Netns, space.Local, space.Remote, udp}]
	if exact != nil || udp {
		return exact
	}
	for _, f := range c.ofSpaces.early {
		if f.Subject.Netns == space.Netns && (f.Subject.Local == space.Local || space.Bound*2 > space.Taken()) {
			return f
		}
	}
	return nil
}

// fills reports whether the space will be full within ten minutes if its load goes on as it does.
func (s *spaceTrouble) fills() bool {
	f := &s.Forecast
	if !f.Known || f.Never || f.ETA > fullWithin || s.Capacity <= 0 {
		return s.leaks()
	}
	if s.IsNearlyFull() && s.OpenRate > 0 {
		return true
	}
	if f.High < 0 { // it may never be, as a pool of connections that is being opened
		least := someCloseAtMost
		if s.closesNone() {
			least = poolAtMost
		}
		return s.TakenShare() >= least && s.c.s.Elapsed >= seenAtLeast || s.leaks()
	}
	return s.TakenShare() >= fillsAtLeast || s.leaks()
}

// leaks reports whether a finding says that connections are never closed.
func (s *spaceTrouble) leaks() bool {
	return s.finding != nil && (s.finding.Cause == doctor.Leak || s.finding.Cause == doctor.CloseWaitLeak)
}

// failsNow reports whether the next call fails, too, as far as it is known.
func (s *spaceTrouble) failsNow() bool {
	return s.IsFull() || s.c.s.Wall.Sub(s.LastExhausted) <= failsNow
}

// failing is of a space in which calls find no port.
func (s *spaceTrouble) failing() trouble {
	t := s.trouble(Failing, outOfPorts, s.writeFailing)
	t.rate, t.count = s.ExhaustionRate, s.Exhausted
	if !s.failsNow() {
		t.level = Soon
	}
	return t
}

func (s *spaceTrouble) writeFailing(t *trouble) {
	callers := s.c.callers(s.PortSpace)
	t.lines = s.lines(s.cannot(callers), s.inUse(callers, true), s.rates())
	t.title, t.process = s.failingTitle()+s.inTitle(), callers.main()
	t.short = s.subject(callers) + " " + phrase.Space(s.PortSpace) + ": no free port, " + s.pace()
	for _, f := range s.c.ends.Denied(s.PortSpace) {
		if t.failure == nil || f.Last.After(t.failure.Last) {
			t.failure = f
		}
	}
}

// failingTitle returns for how long calls have found no port, or until when they found none.
// inTitle returns the cause as it ends a title: who reads nothing else has to see it.
func (s *spaceTrouble) inTitle() string {
	if word := s.causeWord(); word != "" {
		return " (" + word + ")"
	}
	return ""
}

func (s *spaceTrouble) failingTitle() string {
	now := s.c.s.Wall
	switch {
	case !s.failsNow():
		title := "NO FREE PORT until " + phrase.Ago(now, s.LastExhausted)
		if s.Capacity > 0 {
			title += " (now " + s.taken() + " taken)"
		}
		return title
	case s.FullBeforeStart && s.IsFull() && !s.FullSince.IsZero():
		return "OUT OF PORTS " + phrase.FullSince(s.PortSpace, time.TimeOnly)
	case s.FullBeforeStart, s.ExhaustedSince.IsZero():
		return "OUT OF PORTS"
	case now.Sub(s.ExhaustedSince) < time.Second:
		return "OUT OF PORTS"
	}
	return "OUT OF PORTS for " + phrase.Elapsed(now.Sub(s.ExhaustedSince))
}

// full is of a space without a free port in which no call has failed in the last seconds.
func (s *spaceTrouble) full() trouble { return s.trouble(Soon, outOfPorts, s.writeFull) }

func (s *spaceTrouble) writeFull(t *trouble) {
	openers := s.c.openers(s.PortSpace)
	t.lines = s.lines("The next "+s.call()+" fails: no port is left for "+s.ends()+".", s.inUse(nil, true), s.rates())
	t.title, t.process = "NO PORT LEFT", openers.main()
	switch {
	case s.FullBeforeStart && !s.FullSince.IsZero():
		t.title += " " + phrase.FullSince(s.PortSpace, time.TimeOnly)
	case !s.FullSince.IsZero():
		t.title += " for " + phrase.Elapsed(s.c.s.Wall.Sub(s.FullSince))
	}
	t.short = s.subject(openers) + " " + phrase.Space(s.PortSpace) + ": no port is left"
}

// filling is of a space that will be full within minutes.
func (s *spaceTrouble) filling() trouble {
	t := s.trouble(Soon, filling, s.writeFilling)
	if t.left = fullWithin; s.fullSoon() {
		t.left = s.Forecast.ETA
	}
	return t
}

// fullSoon reports whether it is known to be full within ten minutes.
func (s *spaceTrouble) fullSoon() bool {
	f := &s.Forecast
	return f.Known && !f.Never && f.ETA <= fullWithin
}

func (s *spaceTrouble) writeFilling(t *trouble) {
	openers := s.c.openers(s.PortSpace)
	t.lines = s.lines(s.opens(openers), s.inUse(openers, false), joined(s.outlook(), s.exceeds()))
	t.process = openers.main()
	if s.closesNone() {
		t.do = "Find out why " + s.subject(openers) + openers.verb(" closes", " close") + " no connection to " + phrase.Remote(s.Proto, s.Remote)
	}
	t.title = "LEAK"
	when := ""
	if s.fullSoon() {
		when = phrase.When(&s.Forecast)
		t.title = "FULL " + upperIn(when)
		when = " full " + when
	}
	t.short = s.subject(openers) + " " + phrase.Space(s.PortSpace) + when
	if cause := s.causeWord(); cause != "" {
		t.short += " (" + cause + ")"
	}
}

// trouble has what all of them have.
func (s *spaceTrouble) trouble(level Level, of kind, write func(*trouble)) trouble {
	return trouble{level: level, kind: of, write: write, finding: s.finding, space: s.PortSpace}
}

// lines returns those that say something, and the cause.
func (s *spaceTrouble) lines(list ...string) []string {
	return slices.DeleteFunc(append(list, s.why()), func(line string) bool { return line == "" })
}
