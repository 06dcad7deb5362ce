package verdict

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/porttrace/porttrace/internal/doctor"
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// isSilence reports whether the call failed as the peer did not answer.
func isSilence(f *snapshot.Failure) bool {
	return f.Proto == event.TCP && (f.Reason == event.TimedOut || f.Reason == event.GivenUp)
}

// silence is a destination that does not answer.
type silence struct {
	peer
	netnsName string
	pending   int    // SYNs that were sent again and still wait
	count     uint64 // calls that ended without an answer in the last minute
	rate      float64
	first     time.Time
	last      time.Time
	callers   parties
	worst     *snapshot.Failure
}

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

// silences returns the destinations without an answer, the worst first.
func (c *collector) silences() []*silence {
	index := map[peer]*silence{}
	of := func(netns uint32, name string, proto event.Proto, remote event.Endpoint) *silence {
		key := peer{netns, proto, remote}
		if index[key] == nil {
			index[key] = &silence{peer: key, netnsName: name}
		}
		return index[key]
	}
	for i := range c.s.Failures {
		if f := &c.s.Failures[i]; isSilence(f) && !f.Harmless() && !f.NetnsGone && c.s.Recent(f) {
			of(f.Netns, f.NetnsName, f.Proto, f.Target).addFailure(f)
		}
	}
	for i := range c.s.Pairs {
		if p := &c.s.Pairs[i]; p.SynSent > 0 && !p.NetnsGone {
			s := of(p.Netns, p.NetnsName, p.Proto, p.Remote)
			s.pending += int(p.SynSent)
			s.callers.add(c.process(p), int(p.SynSent))
		}
	}
	if len(index) == 0 && phrase.CensusOnly(c.s) {
		for i := range c.s.PortSpaces {
			if p := &c.s.PortSpaces[i]; p.Kind == snapshot.ConnectSpace && p.SynSent > 0 && !p.NetnsGone {
				of(p.Netns, p.NetnsName, p.Proto, p.Remote).pending += p.SynSent
			}
		}
	}
	var all []*silence
	for _, s := range index {
		s.callers.sort()
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b *silence) int {
		return cmp.Or(cmp.Compare(b.rate, a.rate), cmp.Compare(b.weight(), a.weight()), cmp.Compare(a.remote.String(), b.remote.String()),
			cmp.Compare(a.netns, b.netns))
	})
	return all
}

func (s *silence) addFailure(f *snapshot.Failure) {
	n := f.Count
	if f.Reason == event.GivenUp {
		n = f.Resent // the others were given up before an answer was due
	}
	s.count += n
	s.rate += f.Rate
	if s.first.IsZero() || f.First.Before(s.first) {
		s.first = f.First
	}
	if f.Last.After(s.last) {
		s.last, s.worst = f.Last, f
	}
	s.callers.add(&f.Proc, int(n))
}

func (s *silence) weight() int { return s.pending + int(s.count) }

// silentPeer adds one destination. A few SYNs that were sent again are no trouble: packets get lost.
func (c *collector) silentPeer(p *silence) {
	finding := c.find(func(f *doctor.Finding) bool {
		return f.Cause == doctor.HalfOpen && f.Subject.Netns == p.netns && f.Subject.Remote == p.remote
	})
	level := Soon
	switch {
	case finding != nil && c.used[finding.ID]: // a port space that is full of it
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
		t.lines = append(t.lines, "It has not answered since "+phrase.Time(p.first, "15:04:05")+" UTC: "+plural(p.count, "call")+" without an answer.")
	}
	t.lines = append(t.lines, "No port is missing: the host is down, a firewall drops the packets, or its listener is overloaded.")
	c.add(t)
}

// sentence returns 10.77.5.5:443 does not answer curl(812): 19 calls/s given up, 39 wait.
func (s *silence) sentence() string {
	text := phrase.Remote(s.proto, s.remote) + in(s.netnsName) + " does not answer"
	if len(s.callers) > 0 {
		text += " " + s.callers.String()
	}
	how := ""
	switch {
	case s.rate > 0:
		how = phrase.Rate(s.rate) + " calls/s end without an answer"
	case s.count > 0:
		how = plural(s.count, "call") + " ended without an answer"
	}
	if s.worst != nil && s.worst.Reason == event.GivenUp && how != "" {
		how = how[:len(how)-len("end without an answer")] + "given up"
		if s.rate <= 0 {
			how = plural(s.count, "call") + " given up"
		}
	}
	if s.pending > 0 {
		if how == "" {
			how = plural(s.pending, "SYN") + " sent again, unanswered"
		} else {
			how += ", " + phrase.Count(s.pending) + " wait"
		}
	}
	return text + ": " + how
}

// others returns how many calls to the destination have led to a connection in the last seconds, as
// far as it is known.
func (c *collector) others(p *silence) string {
	d := c.destination(p.peer)
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
		f := c.find(func(f *doctor.Finding) bool {
			return f.Cause == doctor.HalfOpen && f.Subject.Netns == p.netns && f.Subject.Remote == p.remote
		})
		if f != nil {
			c.used[f.ID] = true
			if finding == nil {
				finding = f
			}
			if f.Severity == doctor.Critical {
				level = Failing
			}
		}
	}
	t := trouble{level: level, kind: noAnswer, rate: sum.rate, title: "NO ANSWER", finding: finding, failure: list[0].worst, process: list[0].callers.main()}
	who := "an unknown process"
	if len(list[0].callers) > 0 {
		who = list[0].callers[0].String()
	}
	t.short = who + " gets no answer from " + phrase.Grouped(len(list)) + " destinations, " + phrase.Remote(list[0].proto, list[0].remote) + " among them"
	t.lines = []string{t.short + ".", plural(sum.count, "call") + " ended without an answer in the last minutes, " + phrase.Count(sum.pending) + " wait."}
	c.add(t)
}
