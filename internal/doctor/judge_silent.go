package doctor

import (
	"fmt"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// silent is a destination that does not answer the SYNs of one program.
type silent struct {
	program string
	dest    snapshot.Peer
	pending int                   // SYNs that were sent again and wait
	before  bool                  // some of them since before the trace
	spaces  []*snapshot.PortSpace // in which they wait
	calls   *calls                // that failed, both reasons together; nil: none yet
	count   uint64
	proc    event.Process
}

// enoughSilent is how many calls without an answer say more than a lost packet.
const enoughSilent = 3

// silentPeers judges destinations that do not answer, apart from those of a program that scans.
func (j *judge) silentPeers() {
	targets := map[string]int{}
	for _, s := range j.silent {
		targets[s.program]++
	}
	for _, s := range j.silent {
		if targets[s.program] < snapshot.SweepTargets && int(s.count)+s.pending >= enoughSilent && !j.explains(s) {
			j.silentPeer(s)
		}
	}
}

// silentDestinations returns what has failed, and what waits.
func (j *judge) silentDestinations(groups []*calls) []*silent {
	type key struct {
		program string
		dest    snapshot.Peer
	}
	var list []*silent
	index := map[key]*silent{}
	of := func(program string, d snapshot.Peer) *silent {
		s := index[key{program, d}]
		if s == nil {
			s = &silent{program: program, dest: d}
			index[key{program, d}] = s
			list = append(list, s)
		}
		return s
	}
	for _, g := range groups {
		if g.reason != event.TimedOut && g.reason != event.GivenUp {
			continue
		}
		s := of(g.program, snapshot.Peer{Netns: g.netns, Proto: g.proto, Remote: g.target})
		n := g.count
		if g.reason == event.GivenUp {
			n = g.resent // the others were dropped before an answer was due
		}
		s.take(g, n)
	}
	if j.s.Totals.SynSent == 0 {
		return list
	}
	for i := range j.s.Pairs {
		if p := &j.s.Pairs[i]; p.SynSent > 0 && !p.NetnsGone {
			proc := p.Process()
			of(programOf(&proc), snapshot.Peer{Netns: p.Netns, Proto: p.Proto, Remote: p.Remote}).wait(p, proc)
		}
	}
	spaces := j.silentSpaces()
	for _, s := range list {
		s.waitIn(spaces[s.dest])
	}
	return list
}

// silentSpaces returns the port spaces of SYNs that wait, by destination.
func (j *judge) silentSpaces() map[snapshot.Peer][]*snapshot.PortSpace {
	spaces := map[snapshot.Peer][]*snapshot.PortSpace{}
	for i := range j.s.PortSpaces {
		if p := &j.s.PortSpaces[i]; p.Kind == snapshot.ConnectSpace && p.SynSent > 0 && !p.NetnsGone {
			spaces[p.Peer()] = append(spaces[p.Peer()], p)
		}
	}
	return spaces
}

// wait adds the SYNs of a process that wait. If more of its sockets do, or are older than the trace, than it has open,
// some that wait are older.
func (s *silent) wait(p *snapshot.Pair, proc event.Process) {
	s.pending, s.proc = s.pending+int(p.SynSent), proc
	s.before = s.before || p.BeforeStart > 0 && p.SynSent+p.BeforeStart-max(p.TimeWaitOut, 0)-max(p.TimeWaitIn, 0) > p.Live()
}

// waitIn takes the port spaces of the destination. After a loss of events more can seem to wait than there
// are sockets: those of the spaces were compared with a scan.
func (s *silent) waitIn(spaces []*snapshot.PortSpace) {
	s.spaces = spaces
	most := 0
	for _, p := range spaces {
		most += p.SynSent
	}
	if most > 0 {
		s.pending = min(s.pending, most)
	}
}

func (s *silent) take(g *calls, n uint64) {
	s.count += n
	s.proc = g.Proc
	if s.calls == nil {
		s.calls = g
		return
	}
	merged := *s.calls
	merged.victims = mergeVictims(merged.victims, g.victims)
	if g.first.Before(merged.first) {
		merged.first = g.first
	}
	if g.last.After(merged.last) {
		merged.last, merged.Failure = g.last, g.Failure
	}
	s.calls = &merged
}

// neverConnected reports whether no connection to the destination has ever been established, as
// far as the trace shows.
func (j *judge) neverConnected(s *silent) bool {
	d := j.ends.Destination(s.dest)
	return d != nil && d.ClosesOut == 0 && d.Live() <= d.SynSent
}

// answered returns how many of the newest calls to the destination led to a connection, and of
// how many, in the last seconds. Negative: it is not known.
func (j *judge) answered(s *silent) (connected, of int) {
	d := j.ends.Destination(s.dest)
	if d == nil {
		return -1, 0
	}
	return d.Connected()
}

func (j *judge) silentPeer(s *silent) {
	connected, of := j.answered(s)
	f := Finding{
		Cause: HalfOpen, ID: id(HalfOpen, s.program, phrase.Remote(s.dest.Proto, s.dest.Remote)),
		Severity: Warning, Confidence: Likely, Since: j.s.Wall,
	}
	f.Subject.Netns, f.Subject.Remote, f.Subject.Proc = s.dest.Netns, s.dest.Remote, s.proc.ID
	switch {
	case connected == 0 && (of >= enoughSilent || s.count >= enoughSilent || j.neverConnected(s)):
		f.Severity = Critical
	case connected > 9*(int(s.count)+s.pending) && connected*10 > of*9:
		f.Severity = Info // nearly all are answered: packets get lost
	}
	who := s.program
	if who == "" {
		who = "an unknown program"
	}
	f.Summary = fmt.Sprintf("%s does not answer %s: %s", phrase.Remote(s.dest.Proto, s.dest.Remote), who, s.attempts())
	if connected > 0 {
		f.Summary = fmt.Sprintf("%s does not always answer %s: %s, while others succeed", phrase.Remote(s.dest.Proto, s.dest.Remote), who, s.attempts())
	}
	f.Summary += " (a firewall drops the packets, the host is down, or its listener is overloaded)"
	if s.calls != nil {
		f.Since, f.count, f.last, f.Victims = s.calls.first, s.count, s.calls.last, mergeVictims(s.calls.victims, nil)
		f.Confidence = Proved
	}
	if s.before {
		f.Since = time.Time{}
	}
	f.goesOn = s.pending > 0
	f.Evidence, f.local = s.evidence(j, connected, of), j.isLocal(s.dest.Remote.Addr)
	j.add(f)
}

// recentSeconds returns of how many seconds the newest calls are: the load, or the trace, can be
// younger.
func (j *judge) recentSeconds(s *silent) int {
	seconds := recentSeconds
	if d := j.ends.Destination(s.dest); d != nil {
		seconds = min(seconds, d.History.Len())
	}
	return max(min(seconds, int(j.s.Elapsed.Seconds())), 1)
}

// attempts returns 12 connection attempts got no answer, 3 more wait for one.
func (s *silent) attempts() string {
	switch {
	case s.count == 0:
		return phrase.Plural(s.pending, "connection attempt") + " had to send the SYN again and " + wait(s.pending) + " without an answer"
	case s.pending == 0:
		return phrase.Plural(s.count, "connection attempt") + " got none"
	}
	return phrase.Plural(s.count, "connection attempt") + " got none, and " + phrase.Count(s.pending) + " more still " + wait(s.pending)
}

func wait(n int) string {
	if n == 1 {
		return "waits"
	}
	return "wait"
}

func (s *silent) evidence(j *judge, connected, of int) []Evidence {
	var list []Evidence
	if c := s.calls; c != nil {
		list = append(list, Evidence{
			Text:  fmt.Sprintf("%s ended without an answer although the SYN was sent again: %s", phrase.Plural(s.count, "connection attempt"), phrase.Errno(c.Failure)),
			Value: float64(s.count), Unit: "calls", At: c.last, Proc: s.proc,
		})
		if c.Errno == 0 {
			list[0].Text = fmt.Sprintf("%s given up by the program although the SYN had been sent again", phrase.Plural(s.count, "connection attempt"))
		}
	}
	if s.pending > 0 {
		list = append(list, Evidence{
			Text: phrase.Plural(s.pending, "SYN") + " sent again and not answered now", Value: float64(s.pending), Unit: "connections", At: j.s.Wall, Proc: s.proc,
		})
	}
	for _, p := range s.spaces {
		if p.IsUnanswered() {
			list = append(list, Evidence{
				Text:  fmt.Sprintf("%s of the %s of %s towards it are taken by such attempts", phrase.Count(p.SynSent), phrase.Plural(p.Capacity, "port"), p.Local),
				Value: float64(p.SynSent), Unit: "ports", At: j.s.Wall,
			})
		}
	}
	if of > 0 && connected >= 0 {
		list = append(list, Evidence{
			Text:  fmt.Sprintf("of %s in the last %d s, %s led to a connection", phrase.Plural(of, "connection attempt"), j.recentSeconds(s), phrase.Count(connected)),
			Value: float64(connected), Unit: "connections", At: j.s.Wall,
		})
	}
	return list
}

// explains reports whether a finding of this host says why the destination does not answer, and
// adds the calls to its victims.
func (j *judge) explains(s *silent) bool {
	for i := range j.findings {
		f := &j.findings[i]
		if f.Severity == Info || !j.silences(f, s) {
			continue
		}
		if s.calls != nil {
			f.Victims = mergeVictims(f.Victims, s.calls.victims)
		}
		return true
	}
	return false
}

// silences reports whether that trouble drops SYNs to the destination.
func (j *judge) silences(f *Finding, s *silent) bool {
	switch f.Cause {
	case ConntrackFull, SNAT:
		return f.Subject.Netns == s.dest.Netns
	case ListenOverflow:
		return j.isLocal(s.dest.Remote.Addr)
	case HalfOpen: // found by its port space
		return f.Subject.Netns == s.dest.Netns && f.Subject.Remote == s.dest.Remote
	}
	return false
}

// isLocal reports whether the address is one of this host, as far as connections show.
func (j *judge) isLocal(a event.Addr) bool {
	if a.IP().IsLoopback() {
		return true
	}
	for i := range j.s.PortSpaces {
		if j.s.PortSpaces[i].Local == a {
			return true
		}
	}
	return false
}
