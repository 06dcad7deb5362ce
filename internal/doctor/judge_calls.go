package doctor

import (
	"fmt"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// calls is the calls of one program that failed for the same reason and the same thing.
type calls struct {
	reason            event.Reason
	proto             event.Proto
	program           string
	netns             uint32
	target            event.Endpoint
	*snapshot.Failure // the newest of them
	count             uint64
	resent            uint64
	rate              float64
	first             time.Time
	last              time.Time
	victims           []Victim
}

type callsKey struct {
	reason  event.Reason
	proto   event.Proto
	program string
	netns   uint32
	target  event.Endpoint
}

// calls judges the failures that no port space explains.
func (j *judge) calls() {
	groups := j.failedCalls()
	for _, g := range groups {
		switch g.reason {
		case event.TupleTaken:
			j.tupleTaken(g)
		case event.ForeignAddress:
			j.foreignAddress(g)
		case event.NoIPv6:
			j.noIPv6(g)
		case event.RangeExhausted:
			j.udpPorts(g)
		}
	}
	j.portsTaken(groups)
	j.silent = j.silentDestinations(groups)
}

// failedCalls returns the recent failures whose cause is not a TCP port space, grouped, in the
// order of the rows.
func (j *judge) failedCalls() []*calls {
	var list []*calls
	index := map[callsKey]*calls{}
	for i := range j.s.Failures {
		f := &j.s.Failures[i]
		if !j.judges(f) {
			continue
		}
		key := callsKey{f.Reason, f.Proto, programOf(&f.Proc), f.Netns, f.Target}
		if f.Reason == event.NoIPv6 || f.Reason == event.RangeExhausted {
			key.target = event.Endpoint{} // it concerns all of them
		}
		g := index[key]
		if g == nil {
			g = &calls{reason: key.reason, proto: key.proto, program: key.program, netns: key.netns, target: key.target, Failure: f}
			index[key] = g
			list = append(list, g)
		}
		g.add(f)
	}
	return list
}

// judges reports whether a failure is of a kind that is judged by itself: what fails now, apart
// from the calls of a port scanner.
func (j *judge) judges(f *snapshot.Failure) bool {
	switch f.Reason {
	case event.PortTaken, event.TupleTaken, event.ForeignAddress:
	case event.NoIPv6:
		if f.Proto != event.TCP {
			return false // a UDP connect() only asks which address would be used (RFC 6724)
		}
	case event.RangeExhausted:
		if f.Proto != event.UDP {
			return false
		}
	case event.TimedOut, event.GivenUp:
		if f.Proto != event.TCP || f.Harmless() || j.sweeps(f) {
			return false
		}
	default:
		return false
	}
	return !f.NetnsGone && j.s.Recent(f)
}

// sweeps reports whether the process has failed in the same way for dozens of targets.
func (j *judge) sweeps(f *snapshot.Failure) bool {
	for i := range j.s.Sweeps {
		if s := &j.s.Sweeps[i]; s.Proc.ID == f.Proc.ID && s.Netns == f.Netns && s.Reason == f.Reason {
			return true
		}
	}
	return false
}

func (g *calls) add(f *snapshot.Failure) {
	g.count += f.Count
	g.resent += f.Resent
	g.rate += f.Rate
	if g.first.IsZero() || f.First.Before(g.first) {
		g.first = f.First
	}
	if !f.Last.Before(g.last) {
		g.last, g.Failure = f.Last, f
	}
	g.victims = addVictim(g.victims, Victim{Proc: f.Proc, Failures: f.Count, Last: f.Last})
}

// manyFailures is from how many on failing calls are critical.
const manyFailures = 10

func (g *calls) severity() Severity {
	if g.count >= manyFailures {
		return Critical
	}
	return Warning
}

// finding returns one that counted failures prove.
func (g *calls) finding(cause Cause, about, summary string) Finding {
	f := Finding{
		ID: id(cause, g.program, about), Cause: cause, Severity: g.severity(), Confidence: Proved, Summary: summary, Since: g.first,
		Victims: mergeVictims(g.victims, nil), count: g.count, last: g.last,
	}
	f.Subject.Netns, f.Subject.Proc = g.netns, g.Proc.ID
	f.Evidence = []Evidence{{
		Text:  fmt.Sprintf("%s of %s failed: %s", phrase.Plural(g.count, g.Op.String()+"() call"), g.who(), phrase.Errno(g.Failure)),
		Value: float64(g.count), Unit: "calls", At: g.last, Proc: g.Proc,
	}}
	return f
}

// who returns the program in a sentence.
func (g *calls) who() string {
	if len(g.victims) == 1 && g.victims[0].Failures == g.Count {
		return named(&g.Proc)
	}
	if g.program == "" {
		return "an unknown program"
	}
	return g.program
}
