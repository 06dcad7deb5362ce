package verdict

import (
	"cmp"
	"slices"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// silence is a destination that does not answer.
type silence struct {
	snapshot.Peer
	netnsName string
	pending   int    // SYNs that were sent again and still wait
	count     uint64 // calls that ended without an answer in the last minute
	rate      float64
	first     time.Time
	last      time.Time
	callers   parties
	worst     *snapshot.Failure
}

// isSilence reports whether the call failed as the peer did not answer.
func isSilence(f *snapshot.Failure) bool {
	return f.Proto == event.TCP && (f.Reason == event.TimedOut || f.Reason == event.GivenUp)
}

// silences returns the destinations without an answer, the worst first.
func (c *collector) silences() []*silence {
	index := map[snapshot.Peer]*silence{}
	of := func(netns uint32, name string, proto event.Proto, remote event.Endpoint) *silence {
		key := snapshot.Peer{Netns: netns, Proto: proto, Remote: remote}
		if index[key] == nil {
			index[key] = &silence{Peer: key, netnsName: name}
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
		return cmp.Or(cmp.Compare(b.rate, a.rate), cmp.Compare(b.weight(), a.weight()), cmp.Compare(a.Remote.String(), b.Remote.String()),
			cmp.Compare(a.Netns, b.Netns))
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

// sentence returns 10.77.5.5:443 does not answer curl(812): 19 calls/s given up, 39 wait.
func (s *silence) sentence() string {
	text := phrase.Remote(s.Proto, s.Remote) + phrase.InNetns(s.netnsName) + " does not answer"
	if s.worst != nil && !s.worst.TargetKnown() {
		text = phrase.Target(s.worst) + phrase.InNetns(s.netnsName) + " do not answer"
	}
	if len(s.callers) > 0 {
		text += " " + s.callers.String()
	}
	how := ""
	switch {
	case s.rate > 0:
		how = phrase.Rate(s.rate) + " calls/s end without an answer"
	case s.count > 0:
		how = phrase.Plural(s.count, "call") + " ended without an answer"
	}
	if s.worst != nil && s.worst.Reason == event.GivenUp && how != "" {
		how = how[:len(how)-len("end without an answer")] + "given up"
		if s.rate <= 0 {
			how = phrase.Plural(s.count, "call") + " given up"
		}
	}
	if s.pending > 0 {
		if how == "" {
			how = phrase.Plural(s.pending, "SYN") + " sent again, unanswered"
		} else {
			how += ", " + phrase.Count(s.pending) + " wait"
		}
	}
	return text + ": " + how
}
