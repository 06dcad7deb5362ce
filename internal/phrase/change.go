package phrase

import (
	"cmp"
	"fmt"
	"math"
	"time"

	"github.com/porttrace/porttrace/internal/compare"
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/printable"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// Change says what differs from the baseline, in a sentence without a full stop.
func Change(c *compare.Change) string {
	program := cmp.Or(printable.String(c.Program.Name), "a program that is not known")
	switch c.Kind {
	case compare.Setting:
		return printable.String(fmt.Sprintf("%s is %s, was %s%s", c.Name, c.To, c.From, InNetns(c.Netns)))
	case compare.Opens:
		return fmt.Sprintf("%s opens %s to %s: %s", program, times(c, "connections"), Remote(c.Proto, c.Remote), rates(c))
	case compare.Failures:
		return fmt.Sprintf("calls of %s%s fail %s (%s): %s", program, target(c), oftener(c), c.Reason, rates(c))
	case compare.Held:
		return fmt.Sprintf("%s holds %s of %s, %s before", program, Plural(int(c.After), "port"), changedSpace(c), Grouped(int(c.Before)))
	case compare.Space:
		return fmt.Sprintf("at most %s of the %s ports of %s were in use, %s before",
			Grouped(int(c.After)), Grouped(c.Capacity), changedSpace(c), Grouped(int(c.Before)))
	}
	return fmt.Sprintf("half of the connections of %s live for less than %s, %s before", program, lifetime(c.After), lifetime(c.Before))
}

func lifetime(seconds float64) string {
	return ShortDuration(time.Duration(seconds * float64(time.Second)))
}

// changedSpace returns the name of a port space.
func changedSpace(c *compare.Change) string {
	s := snapshot.PortSpace{Kind: snapshot.ConnectSpace, Proto: c.Proto, Local: c.Local, Remote: c.Remote}
	if c.Remote == (event.Endpoint{}) {
		s.Kind = snapshot.BindSpace
	}
	return Space(&s)
}

func target(c *compare.Change) string {
	if c.Remote == (event.Endpoint{}) {
		return ""
	}
	return " to " + Remote(c.Proto, c.Remote)
}

func rates(c *compare.Change) string {
	before := "none before"
	if c.Before > 0 {
		before = Rate(c.Before) + "/s before"
	}
	return Rate(c.After) + "/s, " + before
}

// times returns by how much more of something there is.
func times(c *compare.Change, what string) string {
	switch f := c.Factor(); {
	case c.After == 0:
		return "no more " + what
	case c.Before == 0:
		return what
	case f >= 2:
		return fmt.Sprintf("%.0f times as many %s", math.Round(f), what)
	case f > 1:
		return "more " + what
	}
	return "fewer " + what
}

func oftener(c *compare.Change) string {
	switch f := c.Factor(); {
	case c.After == 0:
		return "no more"
	case c.Before == 0:
		return "now"
	case f >= 2:
		return fmt.Sprintf("%.0f times as often", math.Round(f))
	case f > 1:
		return "more often"
	}
	return "less often"
}
