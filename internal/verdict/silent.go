package verdict

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/porttrace/porttrace/internal/doctor"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/printable"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// enoughSilent is how many calls without an answer say more than a lost packet.
const enoughSilent = 3

// manySilent is from how many destinations on those of one program are one trouble.
const manySilent = 5

// silentPeers adds the destinations that do not answer.
func (c *collector) silentPeers() {
	byProgram := map[snapshot.ProgramKey][]*silence{}
	var names []snapshot.ProgramKey
	for _, p := range c.silences() {
		var name snapshot.ProgramKey
		if len(p.callers) > 0 {
			name = p.callers[0].ProgramKey
		}
		if byProgram[name] == nil {
			names = append(names, name)
		}
		byProgram[name] = append(byProgram[name], p)
	}
	for _, name := range names {
		if list := byProgram[name]; len(list) >= manySilent {
			c.silentMany(list)
		} else {
			for _, p := range list {
				c.silentPeer(p)
			}
		}
	}
}

// findingOfPeer returns the finding about a destination that does not answer, else about the address
// translation that drops the packets to it, which doctor has put in its place; nil without one.
func (c *collector) findingOfPeer(p *silence) *doctor.Finding {
	return cmp.Or(
		c.find(func(f *doctor.Finding) bool {
			return f.Cause == doctor.HalfOpen && f.Subject.Netns == p.Netns && f.Subject.Remote == p.Remote
		}),
		c.find(func(f *doctor.Finding) bool {
			return f.Cause == doctor.SNAT && f.Severity > doctor.Info && f.Subject.Remote == p.Remote
		}))
}

// silentPeer adds one destination. A few SYNs that were sent again are no trouble: packets get lost.
func (c *collector) silentPeer(p *silence) {
	finding := c.findingOfPeer(p)
	level := Soon
	switch {
	case finding != nil && c.used[finding.Key()]: // a port space that is full of it
		return
	case finding != nil && finding.Severity == doctor.Critical:
		level = Failing
	case finding != nil && finding.Severity == doctor.Info, p.weight() < enoughSilent:
		c.harmless = append(c.harmless, p.sentence()+".")
		return
	}
	t := trouble{
		level: level, kind: noAnswer, rate: p.rate, title: "NO ANSWER", finding: finding, failure: p.worst,
		process: p.callers.main(), short: p.sentence(),
	}
	t.lines = []string{p.sentence() + c.others(p) + "."}
	if !p.first.IsZero() {
		t.lines = append(t.lines, "It has not answered since "+phrase.Time(p.first, "15:04:05")+" UTC: "+phrase.Plural(p.count, "call")+" without an answer.")
	}
	if finding != nil && finding.Cause == doctor.SNAT {
		summary := printable.String(finding.Summary)
		t.title, t.lines = causeTitles[doctor.SNAT], append(t.lines, strings.ToUpper(summary[:1])+summary[1:]+".")
	} else {
		t.lines = append(t.lines, c.silentPorts(p)+": the host is down, a firewall drops the packets, or its listener is overloaded.")
	}
	c.add(t)
}

// silentPorts says whether the SYNs that wait take most ports of an address.
func (c *collector) silentPorts(p *silence) string {
	for i := range c.s.PortSpaces {
		s := &c.s.PortSpaces[i]
		if s.Kind == snapshot.ConnectSpace && !s.NetnsGone && s.Peer() == p.Peer && s.IsUnanswered() {
			return fmt.Sprintf("%s of the %s of %s towards it wait for an answer", phrase.Count(s.SynSent), phrase.Plural(s.Capacity, "port"), s.Local)
		}
	}
	return "No port is missing"
}

// others returns how many calls to the destination have led to a connection in the last seconds, as
// far as it is known.
func (c *collector) others(p *silence) string {
	d := c.ends.Destination(p.Peer)
	if d == nil {
		return ""
	}
	switch connected, of := d.Connected(); {
	case connected > 0:
		return fmt.Sprintf("; %s connected in the last %d s", phrase.Count(connected), snapshot.ConnectedSeconds)
	case of >= enoughSilent:
		return "; none connects"
	}
	return ""
}

// silentMany adds a program that gets no answer from many destinations.
func (c *collector) silentMany(list []*silence) {
	sum := silence{}
	level := Soon
	var finding *doctor.Finding
	for _, p := range list {
		sum.pending, sum.count, sum.rate = sum.pending+p.pending, sum.count+p.count, sum.rate+p.rate
		f := c.findingOfPeer(p)
		if f != nil {
			c.used[f.Key()] = true
			if finding == nil {
				finding = f
			}
			if f.Severity == doctor.Critical {
				level = Failing
			}
		}
	}
	t := trouble{level: level, kind: noAnswer, rate: sum.rate, title: "NO ANSWER", finding: finding, failure: list[0].worst, process: list[0].callers.main()}
	caller := "an unknown process"
	if len(list[0].callers) > 0 {
		caller = list[0].callers[0].String()
	}
	t.short = caller + " gets no answer from " + phrase.Grouped(len(list)) + " destinations, " + phrase.Remote(list[0].Proto, list[0].Remote) + " among them"
	t.lines = []string{t.short + ".", phrase.Plural(sum.count, "call") + " ended without an answer in the last minutes, " + phrase.Count(sum.pending) + " wait."}
	c.add(t)
}
