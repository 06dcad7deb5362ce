package doctor

import (
	"fmt"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// stage is how far a port space is on the way to failing calls.
type stage uint8

const (
	quiet   stage = iota
	filling       // it will be full within minutes, by two kinds of evidence
	full          // no port is left, and no call has failed for it yet
	failing       // calls found no port in the last seconds
)

// What must hold for a space to be filling. Nearly full alone is nothing: a pool that is sized
// right stays there.
const (
	fillsWithin  = 10 * time.Minute
	seenAtLeast  = 10 * time.Second
	halfTaken    = 0.5              // from here on it shows in how ports are found
	slowSearch   = time.Millisecond // of a connect(): it tries most of the range first
	secondParity = 0.5              // of the newest opens: more than half of the range is taken
	wantedWithin = 2                // seconds since the last call, for a full space to harm
)

// How much of a space must be taken for its forecast to be a finding if the load has lasted: as on the screen
// (internal/verdict), so that an alert of the forecast has a finding.
const (
	fillsAtLeast    = 0.1 // how the connections end is known, or that they do not
	poolAtMost      = 0.3 // none has ended since the start: it can be a pool that grows to its size
	someCloseAtMost = 0.6 // some end, others have not yet
)

// shortage is a port space in trouble, with all from which its cause follows.
type shortage struct {
	*snapshot.PortSpace
	j        *judge
	stage    stage
	dest     *snapshot.Destination // of a connect space; nil if it has no row
	programs programs
	past     past // how the connections to dest came and ended
}

// spaces judges the port spaces: connect spaces first, as one that is full can fill the bind
// space of its address, too.
func (j *judge) spaces() {
	for _, kind := range []snapshot.SpaceKind{snapshot.ConnectSpace, snapshot.BindSpace} {
		for i := range j.s.PortSpaces {
			if s := &j.s.PortSpaces[i]; s.Kind == kind && s.Proto == event.TCP && !s.NetnsGone {
				j.space(s)
			}
		}
	}
}

func (j *judge) space(s *snapshot.PortSpace) {
	if s.Capacity <= 0 || s.Exhausted == 0 && s.TakenShare() < fillsAtLeast {
		return
	}
	c := shortage{PortSpace: s, j: j}
	if s.Kind == snapshot.ConnectSpace {
		c.dest = j.ends.Destination(s.Peer())
		c.past = pastOf(c.dest)
	}
	c.stage = c.stageNow()
	if c.stage == quiet {
		c.slowSearch()
		return
	}
	c.programs = j.programsOf(s)
	c.judge()
}

// stageNow returns how far the space is.
func (c *shortage) stageNow() stage {
	switch {
	case c.ExhaustedRecently(c.j.s.Wall):
		return failing
	case c.Kind == snapshot.BindSpace:
		// All connections of an address, to whatever destination, fill its bind space. That
		// harms no one who does not call bind().
		return quiet
	case c.IsFull() && c.isWanted():
		return full
	case c.fullSoon() && (c.showsHalf() || c.lasts()):
		return filling
	}
	return quiet
}

// isWanted reports whether a program wants a port of the space: one has just called, or, if no call
// was seen, has filled it in other ways since the start. Old sockets and TIME_WAIT want nothing.
func (c *shortage) isWanted() bool {
	if c.past.active > 0 {
		return c.past.over < wantedWithin
	}
	return (before(c.PortSpace)+c.TimeWait)*2 <= c.Taken()
}

// fullSoon reports whether the forecast says that the space will be full within minutes.
func (c *shortage) fullSoon() bool {
	f := &c.Forecast
	return c.j.s.Elapsed >= seenAtLeast && c.OpenRate > 0 && f.Known && !f.Never && f.ETA <= fillsWithin
}

// showsHalf reports whether a space that will be full for certain shows by other things than the counts of the forecast
// that more than half of it is taken.
func (c *shortage) showsHalf() bool {
	if c.TakenShare() < halfTaken || c.Forecast.High < 0 {
		return false
	}
	closed := mixOf(c.PortSpace).closeWait*2 > c.Taken()
	return c.SecondParity >= secondParity || c.SearchP99 >= slowSearch || closed
}

// lasts reports whether the load that the forecast is of has gone on for long enough, and takes enough ports, for it
// to be no pool that grows to its size.
func (c *shortage) lasts() bool {
	least := fillsAtLeast
	switch {
	case c.Forecast.High >= 0:
	case !c.past.keeps():
		least = someCloseAtMost
	case before(c.PortSpace)*2 < c.Taken(): // most of those from before start have lasted all the time
		least = poolAtMost
	}
	return c.past.steady(leakSeconds) && c.TakenShare() >= least
}

// mix is what takes the ports of a space that the next call cannot have.
type mix struct {
	open      int // connections that are established, or on their way
	silent    int // whose SYN had to be sent again
	closeWait int
	timeWait  int
	bound     int
}

func mixOf(s *snapshot.PortSpace) mix {
	return mix{
		open:   max(s.Live-s.SynSent-s.CloseWait, 0),
		silent: s.SynSent, closeWait: s.CloseWait,
		timeWait: max(s.TimeWait-s.Reusable, 0), bound: s.Bound,
	}
}

// judge finds the cause and adds the finding.
func (c *shortage) judge() {
	f := c.cause()
	f.Severity, f.Confidence = c.severity()
	f.Since = c.since()
	f.Victims = c.victims()
	f.count, f.last, f.goesOn = c.Exhausted, c.LastExhausted, c.stage != failing
	if c.stage == filling {
		f.forecast = c.effect()
	}
	f.local = f.Cause == HalfOpen && c.j.isLocal(c.Remote.Addr)
	f.trouble = fmt.Sprintf("space:%s:%d:%s:%s:%d", c.Kind, c.Netns, c.Local, c.Remote, c.Device)
	f.Subject.Netns, f.Subject.Local, f.Subject.Remote = c.Netns, c.Local, c.Remote
	c.addEvidence(&f)
	// What a space that has failed still holds seconds later need not be what has filled it.
	f.unsettled = !c.settled()
	if f.Cause == Leak && c.j.s.Elapsed < seenAtLeast && c.keptFromBefore() {
		f.early, f.Confidence = true, min(f.Confidence, Likely) // they can still end
	}
	if c.joins(&f) {
		return
	}
	c.j.add(f)
}

// joins adds the victims of a bind space to the finding of a connect space if the same program
// fills that one of the same address, and reports whether it does: it is one trouble.
func (c *shortage) joins(f *Finding) bool {
	if c.Kind != snapshot.BindSpace || f.Cause == EarlyBind || !f.Subject.Proc.Known() {
		return false
	}
	for i := range c.j.findings {
		have := &c.j.findings[i]
		if have.Subject.Netns == c.Netns && have.Subject.Proc == f.Subject.Proc && have.Subject.Local == c.Local {
			have.Victims = mergeVictims(have.Victims, f.Victims)
			return true
		}
	}
	return false
}

func (c *shortage) severity() (Severity, Confidence) {
	switch c.stage {
	case failing:
		return Critical, Proved
	case full:
		return Warning, Proved
	}
	return Warning, Likely
}

// since returns when it began, zero if that was before the trace.
func (c *shortage) since() time.Time {
	switch {
	case c.FullBeforeStart:
		return time.Time{}
	case !c.FullSince.IsZero():
		return c.FullSince
	case c.stage == failing:
		first := c.LastExhausted
		for _, f := range c.noPort() {
			if f.First.Before(first) {
				first = f.First
			}
		}
		return first
	}
	return c.j.s.Wall
}

// noPort returns the calls that found no port of the space.
func (c *shortage) noPort() []*snapshot.Failure { return c.j.ends.Denied(c.PortSpace) }

// victims returns the programs whose calls found no port.
func (c *shortage) victims() []Victim {
	if c.Exhausted == 0 {
		return nil
	}
	var victims []Victim
	for _, f := range c.noPort() {
		victims = addVictim(victims, Victim{Proc: f.Proc, Failures: f.Count, Last: f.Last})
	}
	return mergeVictims(victims, nil)
}

// to returns the destination, or the address of a bind space, in a sentence.
func (c *shortage) to() string {
	if c.Kind == snapshot.BindSpace {
		return phrase.Local(c.PortSpace)
	}
	return phrase.Remote(c.Proto, c.Remote)
}

// foundNoPort returns how many calls failed, in a sentence.
func foundNoPort(calls uint64) string { return phrase.Plural(calls, "call") + " found no free port" }

// effect returns what it leads to, the end of a sentence.
func (c *shortage) effect() string {
	switch c.stage {
	case failing:
		return foundNoPort(c.Exhausted)
	case full:
		return "no port is left for the next connection"
	}
	if c.Forecast.High < 0 { // the connections may end before
		return "the last port will be taken " + phrase.When(&c.Forecast) + " if it goes on like that"
	}
	return "the last port will be taken " + phrase.When(&c.Forecast)
}

// all returns how many of how many ports, in a sentence: all 1,000 ports, 612 of 1,000 ports.
func (c *shortage) all(n int) string {
	if n >= c.Capacity {
		return "all " + phrase.Count(c.Capacity) + " ports"
	}
	return phrase.Count(n) + " of " + phrase.Count(c.Capacity) + " ports"
}
