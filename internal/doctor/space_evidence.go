package doctor

import (
	"fmt"

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
			Text:  fmt.Sprintf("%s found no free port, %s/s now", plural(c.Exhausted, "call"), phrase.Rate(c.ExhaustionRate)),
			Value: float64(c.Exhausted), Unit: "calls", At: c.LastExhausted,
		})
	}
	add(float64(c.Taken()), "ports", "%s of %s ports are taken: %s", phrase.Count(c.Taken()), phrase.Count(c.Capacity), c.composition())
	if c.Peak > c.InUse() {
		f.Evidence = append(f.Evidence, Evidence{
			Text:  fmt.Sprintf("at most %s ports were in use at a time", phrase.Count(c.Peak)),
			Value: float64(c.Peak), Unit: "ports", At: c.PeakAt,
		})
	}
	if c.Wanted > 0 {
		text := fmt.Sprintf("%s connections/s are wanted", phrase.Rate(c.Wanted))
		if c.Kind == snapshot.BindSpace {
			text = fmt.Sprintf("%s ports/s are wanted", phrase.Rate(c.Wanted))
		}
		if c.Sustainable > 0 {
			text += fmt.Sprintf(", %s/s can go on indefinitely with as many ports at the lifetimes seen", phrase.Rate(c.Sustainable))
		} else if c.Textbook > 0 && c.TimeWait > c.Live {
			text += fmt.Sprintf(", %s/s can go on indefinitely if each leaves TIME_WAIT (ports / %.0f s)", phrase.Rate(c.Textbook), c.TimeWaitLength.Seconds())
		}
		add(c.Wanted, "connections/s", "%s", text)
	}
	c.addHistory(add)
	c.addHolders(f)
	if c.SearchP99 > 0 {
		add(c.SearchP99.Seconds(), "seconds", "connect() searches a port for %s (median), %s (slowest 1 %%)",
			phrase.ShortDuration(c.SearchP50), phrase.ShortDuration(c.SearchP99))
	}
	c.addRange(add)
	if c.stage == filling {
		add(c.Forecast.ETA.Seconds(), "seconds", "the last port is taken %s if it goes on: %s", phrase.When(&c.Forecast), c.Forecast.Model)
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

func (c *shortage) addHistory(add func(float64, string, string, ...any)) {
	d := c.dest
	if d == nil {
		return
	}
	if d.ClosesOut > 0 && d.LifetimeP50 > 0 {
		add(d.LifetimeP50.Seconds(), "seconds", "a connection lasts %s (median of %s that have ended)", phrase.ShortDuration(d.LifetimeP50), phrase.Count(d.ClosesOut))
	}
	if c.past.opens > 0 {
		add(float64(c.past.opens), "connections", "%s connections opened and %s ended in the last %d s; most within %d s: %s",
			phrase.Count(c.past.opens), phrase.Count(c.past.closes), c.past.seen, burstSeconds, phrase.Count(c.past.burst))
	}
}

// maxHoldersNamed is how many holders the evidence names.
const maxHoldersNamed = 3

func (c *shortage) addHolders(f *Finding) {
	for i := range c.Holders[:min(len(c.Holders), maxHoldersNamed)] {
		h := &c.Holders[i]
		f.Evidence = append(f.Evidence, Evidence{
			Text: phrase.Holder(h) + " holds " + phrase.Held(h), Value: float64(h.Ports()), Unit: "ports", At: c.j.s.Wall, Proc: h.Proc,
		})
	}
}

// addRange says what is unusual of the range.
func (c *shortage) addRange(add func(float64, string, string, ...any)) {
	size := int(c.Range.High) - int(c.Range.Low) + 1
	if reserved := size - c.Capacity; reserved > 0 && reserved*modestShare > size {
		add(float64(reserved), "ports", "%s ports of the range are reserved (net.ipv4.ip_local_reserved_ports)", phrase.Count(reserved))
	}
	switch {
	case c.PerSocketRange:
		add(float64(size), "ports", "the program has narrowed the range of its sockets to %d-%d (IP_LOCAL_PORT_RANGE)", c.Range.Low, c.Range.High)
	case size < usualPorts:
		add(float64(size), "ports", "the port range is narrowed to %d-%d, %s ports; Linux sets 32768-60999, %s ports",
			c.Range.Low, c.Range.High, phrase.Count(size), phrase.Count(usualPorts))
	}
	n := c.j.s.Namespace(c.Netns)
	if n == nil || c.TimeWait == 0 {
		return
	}
	if c.Unstamped > 0 && c.Unstamped*2 > c.TimeWait {
		add(float64(c.Unstamped), "ports", "net.ipv4.tcp_tw_reuse does not help for %s ports in TIME_WAIT: their connections had no TCP timestamps", phrase.Count(c.Unstamped))
	}
	if n.FinTimeout > 0 && n.FinTimeout != usualFinTimeout && mixOf(c.PortSpace).timeWait*2 > c.Taken() {
		add(n.FinTimeout.Seconds(), "seconds", "%s", finTimeoutText(n))
	}
}
