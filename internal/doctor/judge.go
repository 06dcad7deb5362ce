package doctor

import (
	"strings"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// Judge returns what is wrong at the moment of the snapshot, the most urgent first; nil if
// nothing is. It judges what goes on: trouble that is over by then is in a History.
func Judge(s *snapshot.Snapshot) []Finding {
	j := &judge{s: s}
	j.spaces()
	j.calls()
	j.namespaces()
	j.silentPeers()
	j.udpSpaces()
	j.files()
	j.ownLists()
	j.folklore()
	findings := joinOverloaded(j.findings)
	plans := newPlanner(s)
	for i := range findings {
		plans.advise(&findings[i])
	}
	order(findings)
	return findings
}

// judge collects the findings of one snapshot.
type judge struct {
	s        *snapshot.Snapshot
	findings []Finding
	ends     map[destination]*spaceEnd             // of port spaces, once they are needed
	dests    map[destination]*snapshot.Destination // all, once one is needed that is not among those
	silent   []*silent                             // destinations that do not answer
	// The calls that found no port, once they are needed.
	exhausted map[destination][]*snapshot.Failure
}

// destination identifies the row of one.
type destination struct {
	netns  uint32
	proto  event.Proto
	remote event.Endpoint
}

// spaceEnd is what is known of the destination of a port space.
type spaceEnd struct {
	dest  *snapshot.Destination // nil without a row
	pairs []*snapshot.Pair
	past  []*snapshot.PastPair
}

// end returns the destination of a port space. Few of ten thousand destinations are one.
func (j *judge) end(space *snapshot.PortSpace) *spaceEnd {
	to := destination{space.Netns, space.Proto, space.Remote}
	j.indexEnds()
	if j.ends[to] == nil { // it is no space of the snapshot
		one := map[destination]*spaceEnd{to: {}}
		fillEnds(j.s, one)
		j.ends[to] = one[to]
	}
	return j.ends[to]
}

// indexEnds finds the destinations of the port spaces, the first time that it is called.
func (j *judge) indexEnds() {
	if j.ends != nil {
		return
	}
	j.ends = make(map[destination]*spaceEnd, len(j.s.PortSpaces))
	for i := range j.s.PortSpaces {
		if s := &j.s.PortSpaces[i]; s.Kind == snapshot.ConnectSpace {
			j.ends[destination{s.Netns, s.Proto, s.Remote}] = &spaceEnd{}
		}
	}
	fillEnds(j.s, j.ends)
}

// fillEnds adds what the snapshot has of the destinations.
func fillEnds(s *snapshot.Snapshot, ends map[destination]*spaceEnd) {
	for i := range s.Destinations {
		d := &s.Destinations[i]
		if end := ends[destination{d.Netns, d.Proto, d.Remote}]; end != nil && !d.NetnsGone {
			end.dest = d
		}
	}
	for i := range s.Pairs {
		p := &s.Pairs[i]
		if end := ends[destination{p.Netns, p.Proto, p.Remote}]; end != nil && !p.NetnsGone && p.Proc.Known() {
			end.pairs = append(end.pairs, p)
		}
	}
	for i := range s.PastPairs {
		p := &s.PastPairs[i]
		if end := ends[destination{p.Netns, p.Proto, p.Remote}]; end != nil && !p.NetnsGone {
			end.past = append(end.past, p)
		}
	}
}

// destination returns the row, nil without one.
func (j *judge) destination(netns uint32, proto event.Proto, remote event.Endpoint) *snapshot.Destination {
	to := destination{netns, proto, remote}
	j.indexEnds()
	if end := j.ends[to]; end != nil {
		return end.dest
	}
	if j.dests == nil {
		j.dests = make(map[destination]*snapshot.Destination, len(j.s.Destinations))
		for i := range j.s.Destinations {
			if d := &j.s.Destinations[i]; !d.NetnsGone {
				j.dests[destination{d.Netns, d.Proto, d.Remote}] = d
			}
		}
	}
	return j.dests[to]
}

// id returns what identifies a finding: the cause and what it is about, without anything that
// differs from run to run. Parts that are not known are left out.
func id(cause Cause, about ...string) string {
	parts := []string{string(cause)}
	for _, part := range about {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, ":")
}

// add takes a finding. One that is already there, of the same program and destination by
// another local address, gets its victims: it is one trouble.
func (j *judge) add(f Finding) {
	if f.Confidence < Likely {
		f.Severity = Info
	}
	for i := range j.findings {
		if have := &j.findings[i]; have.ID == f.ID {
			if have.Subject.Netns == f.Subject.Netns {
				have.merge(&f)
				return
			}
			f.ID += "@" + j.netns(f.Subject.Netns)
		}
	}
	j.findings = append(j.findings, f)
}

// merge takes another finding of the same trouble at the same moment.
func (f *Finding) merge(o *Finding) {
	if o.Severity > f.Severity || o.Severity == f.Severity && o.Confidence > f.Confidence {
		*f, *o = *o, *f
	}
	f.Victims = mergeVictims(f.Victims, o.Victims)
	f.count += o.count
	f.last = later(f.last, o.last)
	if !o.Since.IsZero() && o.Since.Before(f.Since) {
		f.Since = o.Since
	}
}

// Failures returns how many calls of its victims failed.
func (f *Finding) Failures() (n uint64) {
	for i := range f.Victims {
		n += f.Victims[i].Failures
	}
	return n
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// recently is for how long after its last occurrence trouble goes on.
const recently = time.Minute

// netns returns the name of a namespace.
func (j *judge) netns(inode uint32) string {
	if n := j.s.Namespace(inode); n != nil {
		return phrase.Netns(n.Name, inode)
	}
	return phrase.Netns("", inode)
}
