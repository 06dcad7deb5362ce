package doctor

import (
	"fmt"
	"strings"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// addEvidence adds the figures from which the cause follows, the decisive ones first.
func (c *shortage) addEvidence(f *Finding) {
	at := c.j.s.Wall
	add := func(value float64, unit, format string, args ...any) {
		f.Evidence = append(f.Evidence, Evidence{Text: fmt.Sprintf(format, args...), Value: value, Unit: unit, At: at})
	}
	if c.Exhausted > 0 {
		f.Evidence = append(f.Evidence, Evidence{
			Text:  foundNoPort(c.Exhausted),
			Value: float64(c.Exhausted), Unit: "calls", At: c.LastExhausted,
		})
	}
	taken := fmt.Sprintf("%s of %s ports are taken", phrase.Count(c.Taken()), phrase.Count(c.Capacity))
	if c.Taken() > 0 {
		taken += ": " + c.composition()
	}
	add(float64(c.Taken()), "ports", "%s", taken)
	if c.Peak > c.InUse() {
		f.Evidence = append(f.Evidence, Evidence{
			Text:  fmt.Sprintf("at most %s in use at a time", phrase.Plural(c.Peak, "port")),
			Value: float64(c.Peak), Unit: "ports", At: c.PeakAt,
		})
	}
	c.addDemand(add)
	c.addHistory(add)
	c.addHolders(f)
	if c.SearchP99 > 0 {
		add(c.SearchP99.Seconds(), "seconds", "connect() searches a port for %s (median), %s (slowest 1 %%)",
			phrase.ShortDuration(c.SearchP50), phrase.ShortDuration(c.SearchP99))
	}
	c.addRange(add)
	if c.stage == filling {
		add(c.Forecast.ETA.Seconds(), "seconds", "the last port is taken %s %s", phrase.When(&c.Forecast), c.Forecast.Model)
	}
}

// composition returns what takes the ports: 612 open, 388 in TIME_WAIT.
func (c *shortage) composition() string {
	m := mixOf(c.PortSpace)
	text := ""
	for _, part := range []struct {
		n    int
		what string
	}{
		{m.open, "open"},
		{m.closeWait, "in CLOSE_WAIT (the other end has closed, the program has not)"},
		{m.silent, "in SYN_SENT without an answer"},
		{m.timeWait, "in TIME_WAIT"},
		{m.bound, "bound"},
	} {
		if part.n <= 0 {
			continue
		}
		if text != "" {
			text += ", "
		}
		text += phrase.Count(part.n) + " " + part.what
	}
	if c.FinWait2*2 > c.TimeWait && c.FinWait2 > 0 {
		text += "; " + phrase.Count(c.FinWait2) + " of those in TIME_WAIT wait for the other end's FIN (FIN_WAIT2)"
	}
	return text
}

func (c *shortage) addDemand(add func(float64, string, string, ...any)) {
	rate := c.rate()
	if rate <= 0 {
		return
	}
	text := phrase.Rate(rate) + " connections/s are wanted"
	switch {
	case c.Kind == snapshot.BindSpace:
		text = phrase.Rate(rate) + " ports/s are wanted"
	case c.Sustainable > 0 && !c.SustainableRough:
		text += fmt.Sprintf(", %s/s can go on indefinitely with as many ports at the lifetimes seen", phrase.Rate(c.Sustainable))
	case c.Textbook > 0 && c.TimeWait > c.Live:
		text += fmt.Sprintf(", %s/s can go on indefinitely if each leaves TIME_WAIT (ports / %.0f s)", phrase.Rate(c.Textbook), c.TimeWaitLength.Seconds())
	}
	add(rate, "connections/s", "%s", text)
}

func (c *shortage) addHistory(add func(float64, string, string, ...any)) {
	d := c.dest
	if d == nil {
		return
	}
	if d.ClosesOut > 0 && d.LifetimeP50 > 0 {
		of := "of"
		if d.Unlisted > 0 {
			of = "of a sample of"
		}
		add(d.LifetimeP50.Seconds(), "seconds", "a connection lasts %s (median %s %s that have ended)", phrase.ShortDuration(d.LifetimeP50), of, phrase.Count(d.ClosesOut))
	}
	switch opened := phrase.Plural(c.past.opens, "connection"); {
	case c.past.opens == 0:
	case c.allSilent():
		add(float64(c.past.opens), "connections", "%s", c.silentHistory())
	default:
		add(float64(c.past.opens), "connections", "%s opened and %s ended in the last %d s; most within %d s: %s",
			opened, phrase.Count(c.past.closes), c.past.seen, burstSeconds, phrase.Count(c.past.burst))
	}
}

// allSilent reports whether what takes the ports are attempts without an answer.
func (c *shortage) allSilent() bool { return c.SynSent > 0 && c.SynSent >= c.Live }

// silentHistory returns what became of the attempts: 57 attempts started in the last 14 s, 12 given
// up, none answered.
func (c *shortage) silentHistory() string {
	var ended uint64
	for i := range c.j.s.Failures {
		f := &c.j.s.Failures[i]
		if f.Netns == c.Netns && !f.NetnsGone && f.Op == event.OpConnect && f.Target == c.Remote && (f.Reason == event.GivenUp || f.Reason == event.TimedOut) {
			ended += f.Count
		}
	}
	text := fmt.Sprintf("%s started in the last %d s, %s given up or timed out since the start",
		phrase.Plural(c.past.opens, "connection attempt"), c.past.seen, phrase.Count(ended))
	if d := c.dest; d.ClosesOut == 0 && d.FailedOpens <= ended && d.Live() <= d.SynSent+c.past.fresh {
		text += ", none answered"
	}
	return text
}

// maxHoldersNamed is how many holders the evidence names.
const maxHoldersNamed = 3

// addHolders names the programs that hold most, and says how many ports are older than the trace.
func (c *shortage) addHolders(f *Finding) {
	add := func(n int, proc event.Process, text string) {
		f.Evidence = append(f.Evidence, Evidence{Text: text, Value: float64(n), Unit: "ports", At: c.j.s.Wall, Proc: proc})
	}
	towards := ""
	if c.programs.byPair {
		towards = " towards " + c.to()
	}
	for _, p := range c.programs.largest(maxHoldersNamed) {
		if p.name == "" {
			continue
		}
		held := c.held(&snapshot.HeldCount{Live: p.live, CloseWait: p.closeWait, TimeWait: p.timeWait, Bound: p.bound})
		add(p.ports(), p.proc, p.who()+" holds "+held+towards)
	}
	for i := range c.Holders {
		h := &c.Holders[i]
		switch {
		case h.Proc.ID.Known() || h.Ports() == 0:
		case h.Before > 0:
			add(h.Ports(), event.Process{}, c.portsAre(h)+" from before start (owner unknown)")
		default:
			add(h.Ports(), event.Process{}, c.portsAre(h)+", their owner is unknown")
		}
	}
}

// held returns what holds the ports: attempts without an answer are no connections.
func (c *shortage) held(h *snapshot.HeldCount) string {
	if c.allSilent() {
		return strings.Replace(phrase.Held(h), " live", " in SYN_SENT", 1)
	}
	return phrase.Held(h)
}

// portsAre returns 189 ports are in TIME_WAIT.
func (c *shortage) portsAre(h *snapshot.Holder) string {
	are := " are "
	if h.Ports() == 1 {
		are = " is "
	}
	switch h.Ports() {
	case h.TimeWait:
		return phrase.Plural(h.TimeWait, "port") + are + "in TIME_WAIT"
	case h.Live:
		return phrase.Plural(h.Live, "port") + are + "in use"
	}
	return phrase.Plural(h.Ports(), "port") + are + "taken (" + c.held(&h.HeldCount) + ")"
}

// addRange says what is unusual of the range.
func (c *shortage) addRange(add func(float64, string, string, ...any)) {
	size := c.Range.Size()
	if reserved := size - c.Capacity; reserved > 0 && reserved*modestShare > size {
		add(float64(reserved), "ports", "net.ipv4.ip_local_reserved_ports reserves %s of the range", phrase.Plural(reserved, "port"))
	}
	switch {
	case c.PerSocketRange:
		add(float64(size), "ports", "the program has narrowed the range of its sockets to %d-%d (IP_LOCAL_PORT_RANGE)", c.Range.Low, c.Range.High)
	case size < defaultRange.Size():
		add(float64(size), "ports", "the port range is narrowed to %d-%d, %s; Linux sets %d-%d, %s ports",
			c.Range.Low, c.Range.High, phrase.Plural(size, "port"), defaultRange.Low, defaultRange.High, phrase.Count(defaultRange.Size()))
	}
	n := c.j.s.Namespace(c.Netns)
	if n == nil || c.TimeWait == 0 {
		return
	}
	if c.Unstamped > 0 && c.Unstamped*2 > c.TimeWait {
		add(float64(c.Unstamped), "ports", "net.ipv4.tcp_tw_reuse does not help for %s in TIME_WAIT: their connections had no TCP timestamps", phrase.Plural(c.Unstamped, "port"))
	}
	if n.FinTimeout > 0 && n.FinTimeout != usualFinTimeout && mixOf(c.PortSpace).timeWait*2 > c.Taken() {
		add(n.FinTimeout.Seconds(), "seconds", "%s", finTimeoutText(n))
	}
}
