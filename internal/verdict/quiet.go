package verdict

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/printable"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// quiet returns the verdict on a snapshot without trouble: what failed before, else that nothing
// does, as far as failures are observed.
func (c *collector) quiet() Verdict {
	past := phrase.SumFailures(c.s, func(*snapshot.Failure) bool { return true })
	var v Verdict
	switch {
	case len(past) == 0 && len(c.over) == 0 && c.selectsNothing():
		v = c.nothingSelected()
	case phrase.CensusOnly(c.s), len(c.s.Signals) == 0 && len(past) == 0:
		v = c.unobserved()
	case len(past) > 0:
		v = c.before(past)
	case c.unlisted() > 0:
		v = c.beforeRows()
	case len(c.over) > 0:
		v = c.beforeFinding()
	default:
		v = c.fine()
	}
	v.Lines = append(v.Lines, c.harmless...)
	return v
}

// selectsNothing reports whether the filter has selected no row so far, of what there was.
func (c *collector) selectsNothing() bool {
	return c.s.Filtered && c.s.Health.Events > c.s.SelectedEvents && len(c.s.Processes) == 0 && len(c.s.PortSpaces) == 0
}

// nothingSelected is the verdict under a filter that selects nothing so far.
func (c *collector) nothingSelected() Verdict {
	left := c.s.Health.Events - min(c.s.Health.Events, c.s.SelectedEvents)
	return Verdict{
		Level: Unknown, Title: "NOTHING MATCHES THE FILTER",
		Lines: []string{"No process, connection or port space was selected; " + phrase.Plural(left, "event") + " of this host left out."},
	}
}

// unobserved is the verdict where no failure would be seen.
func (c *collector) unobserved() Verdict {
	v := Verdict{Level: Unknown, Title: "FAILURES ARE NOT OBSERVED"}
	if len(c.s.Signals) == 0 {
		v.Lines = []string{"Which failures are observed is not recorded; none was seen."}
	} else {
		v.Lines = c.invisible()
	}
	if c.isUnprivileged() {
		v.Do = "run it as root: sudo porttrace"
	}
	if text := c.spacesText(); text != "" {
		v.Lines = append(v.Lines, text)
	}
	return v
}

// invisible returns what a census does not show, and why.
func (c *collector) invisible() []string {
	lines := []string{"Only the sockets that exist are listed: failures and rates are invisible."}
	if c.isUnprivileged() {
		lines[0] = "Not root: failures and rates are invisible; run with sudo."
	} else if why := c.reason(); why != "" {
		lines = append(lines, printable.String(why)+".")
	}
	if n := c.s.Namespaces; len(n) == 1 {
		lines = append(lines, "Only the network namespace "+phrase.Netns(n[0].Name, n[0].Inode)+" is seen.")
	}
	return lines
}

// isUnprivileged reports whether nothing is traced for lack of privileges.
func (c *collector) isUnprivileged() bool { return strings.Contains(c.reason(), "needs root") }

// reason returns why TCP states are not observed, as far as it is known.
func (c *collector) reason() string {
	for _, s := range c.s.Signals {
		if s.Name == event.SignalStates {
			return s.Reason
		}
	}
	return ""
}

// before is the verdict after failures that are over.
func (c *collector) before(past []*phrase.FailureSum) Verdict {
	var count uint64
	last := past[0]
	for _, sum := range past {
		count += sum.Count()
		if sum.Last().After(last.Last()) {
			last = sum
		}
	}
	most := slices.MaxFunc(past, func(a, b *phrase.FailureSum) int { return cmp.Compare(a.Count(), b.Count()) })
	limits := c.limits()
	v := Verdict{
		Title: fmt.Sprintf("OK: %s; %s failed until %s", nothingNow(limits), phrase.Plural(count, "call"), phrase.Time(last.Last(), "15:04:05")),
		Lines: []string{"Before: " + most.Earlier() + "."}, Failure: most.Worst(), Process: most.Worst().Proc.ID,
	}
	if len(c.over) > 0 {
		c.addOver(&v)
	}
	return c.withLimits(v, limits)
}

// addOver says what was wrong before, and what to do about it.
func (c *collector) addOver(v *Verdict) {
	f := &c.over[0]
	v.Finding, v.Lines, v.Do = f.Key(), []string{"Before: " + printable.String(f.Summary) + "."}, firstThing(f)
}

// beforeFinding is the verdict after trouble in which no call was seen to fail, as of UDP ports.
func (c *collector) beforeFinding() Verdict {
	limits := c.limits()
	v := Verdict{Title: "OK: " + nothingNow(limits) + "; trouble until " + phrase.Time(c.over[0].Until, "15:04:05")}
	c.addOver(&v)
	return c.withLimits(v, limits)
}

// unlisted returns how many calls have failed that no row is of, the harmless apart: rows are dropped
// when there are too many.
func (c *collector) unlisted() uint64 {
	n := c.s.Totals.Failed()
	for i := range c.s.Failures {
		n -= min(n, c.s.Failures[i].Count)
	}
	return n
}

// beforeRows is the verdict after failures of which no row is left.
func (c *collector) beforeRows() Verdict {
	limits := c.limits()
	v := Verdict{
		Title: "OK: " + nothingNow(limits) + "; " + phrase.Plural(c.unlisted(), "call") + " failed before",
		Lines: []string{"Which calls failed is not known any more."},
	}
	if text := c.spacesText(); text != "" {
		v.Lines = append(v.Lines, text)
	}
	return c.withLimits(v, limits)
}

// nothingNow returns that nothing fails now, as far as that can be said.
func nothingNow(limits []string) string {
	if len(limits) > 0 {
		return "no failure seen now"
	}
	return "nothing fails now"
}

// fine is the verdict if nothing has failed.
func (c *collector) fine() Verdict {
	limits := c.limits()
	calls := "connects or binds"
	if c.s.Signals.Off(event.SignalAutobind) || c.inferred(event.SignalBind) {
		calls = "connects or TCP binds"
	}
	if c.s.Signals.Off(event.SignalBind) {
		calls = "connects"
	}
	v := Verdict{Title: "OK: no failed " + calls}
	if len(limits) > 0 {
		v.Title += " seen"
	}
	if c.s.Elapsed < time.Second {
		v.Title += " so far"
	} else {
		v.Title += " in the last " + phrase.Spelled(c.s.Elapsed.Truncate(time.Second))
	}
	if text := c.spacesText(); text != "" {
		v.Lines = append(v.Lines, text)
	}
	return c.withLimits(v, limits)
}

// limits returns what keeps the absence of failures from being proved.
func (c *collector) limits() []string { return phrase.Limits(c.s) }

func (c *collector) withLimits(v Verdict, limits []string) Verdict {
	if c.s.Signals.Off(event.SignalStates) || c.s.Signals.Off(event.SignalConnect) || c.misses() {
		v.Level = Unknown
		v.Title = strings.Replace(v.Title, "OK: ", "", 1)
		v.Title = strings.ToUpper(v.Title[:1]) + v.Title[1:]
	}
	if len(limits) > 0 {
		v.Lines = append(v.Lines, strings.ToUpper(limits[0][:1])+limits[0][1:]+".")
	}
	return v
}

// muchLost is the share of events that must be lost for failures to be missing as well, probably.
const muchLost = 0.01

// misses reports whether so much of the stream is missing that failures can be. What is lost is
// counted for the whole host: under a filter it says little.
func (c *collector) misses() bool {
	return c.s.Missing() != "" || !c.s.Filtered && float64(c.s.Health.Lost) > muchLost*float64(c.s.Health.Events)
}

func (c *collector) inferred(name string) bool {
	return slices.ContainsFunc(c.s.Signals, func(s event.Signal) bool { return s.Name == name && s.Mode == event.Inferred })
}

// spacesText returns how full the port spaces are, and which program opens most connections.
func (c *collector) spacesText() string {
	var waiting, spaces int
	var fullest *snapshot.PortSpace
	for i := range c.s.PortSpaces {
		p := &c.s.PortSpaces[i]
		if p.NetnsGone || p.Capacity <= 0 {
			continue
		}
		if p.Kind == snapshot.ConnectSpace && p.TimeWait > 0 {
			waiting += p.TimeWait
			spaces++
		}
		if p.HasAllocations() && (fullest == nil || p.TakenShare() > fullest.TakenShare()) {
			fullest = p
		}
	}
	if fullest == nil {
		return ""
	}
	parts := []string{}
	if waiting > 0 {
		parts = append(parts, phrase.Plural(waiting, "port")+" in TIME_WAIT over "+phrase.Plural(spaces, "destination"))
	}
	full := "the fullest space has " + strings.Replace(phrase.Taken(fullest), "%", " %", 1) + " in use"
	if fullest.Reusable > 0 {
		full = "in the fullest space " + strings.Replace(phrase.Taken(fullest), "%", " %", 1) + " cannot be had (" +
			phrase.Count(fullest.InUse()) + " of " + phrase.Count(fullest.Capacity) + " are in use, some of them in a TIME_WAIT that is reused)"
	}
	if fullest.Sustainable > 0 {
		full += " and sustains " + sustains(fullest.Sustainable) + " conn/s"
	}
	parts = append(parts, full)
	if busiest := c.busiest(); busiest != "" {
		parts = append(parts, "busiest: "+busiest)
	}
	text := strings.Join(parts, "; ") + "."
	return strings.ToUpper(text[:1]) + text[1:]
}

// busiest returns the program that opens most connections, and how many: busy.py(812), 290 conn/s.
func (c *collector) busiest() string {
	var l parties
	rates := map[snapshot.ProgramKey]float64{}
	for i := range c.s.Processes {
		p := &c.s.Processes[i]
		if p.Rates.Opens > 0 && p.Info.ID.Known() {
			l.add(&p.Info, int(p.Rates.Opens*1000))
			rates[snapshot.ProgramOf(&p.Info)] += p.Rates.Opens
		}
	}
	l.sort()
	if len(l) == 0 {
		return ""
	}
	return l[0].String() + ", " + phrase.Rate(rates[l[0].ProgramKey]) + " conn/s"
}
