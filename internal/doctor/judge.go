package doctor

import (
	"strings"
	"time"

	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// Judge returns what is wrong at the moment of the snapshot, the most urgent first; nil if
// nothing is. It judges what goes on: trouble that is over by then is in a History.
func Judge(s *snapshot.Snapshot) []Finding {
	j := newJudge(s)
	j.spaces()
	j.calls()
	j.namespaces()
	j.silentPeers()
	j.udpSpaces()
	j.files()
	j.ownLists()
	j.folklore()
	findings := joinExplained(j.findings)
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
	ends     snapshot.Ends
	silent   []*silent // destinations that do not answer
}

func newJudge(s *snapshot.Snapshot) *judge { return &judge{s: s, ends: snapshot.NewEnds(s)} }

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

// ratedFrom is how long must be watched for a rate: it is one of whole seconds, and the first is not.
const ratedFrom = 2 * time.Second

// add takes a finding. One that is already there, of the same program and destination by
// another local address, gets its victims: it is one trouble.
func (j *judge) add(f Finding) {
	if f.Confidence < Likely {
		f.Severity = Info
	}
	f.early = f.early || j.s.Elapsed < ratedFrom
	for i := range j.findings {
		if have := &j.findings[i]; have.Key() == f.Key() {
			have.merge(&f)
			return
		}
	}
	if f.Subject.Netns != 0 {
		f.netns = j.netns(f.Subject.Netns)
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
	f.goesOn = f.goesOn || o.goesOn
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
