package aggregate

import (
	"cmp"
	"slices"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

const (
	// maxLimits bounds the pairs that are listed.
	maxLimits = 100
	// maxEndedLimits is how many pairs are kept that were limited, as many as the kernel limits at a
	// time. To keep twice as many for a while makes it rare that they are sorted.
	maxEndedLimits = 1 << 12
)

// limits are the pairs of a process and an end whose events are only counted, or were.
type limits struct {
	now, ended map[limitedKey]*limited
	forgotten  int    // pairs that ended had no room for, those with the fewest events
	counted    uint64 // events of all pairs
}

type limitedKey struct {
	proc      event.ProcID
	netns     uint32
	end       event.Endpoint
	proto     event.Proto
	direction event.Direction
}

type limited struct {
	limitedKey
	process      *event.Process
	most         uint64
	since, until event.Time // from the first time to the last; until is 0 if it goes on
	times        int
	counted      uint64
}

func newLimits() limits {
	return limits{now: map[limitedKey]*limited{}, ended: map[limitedKey]*limited{}}
}

// limitedKeyOf returns the key of an event about a pair: folded, or limited. An owner that was
// inferred is none: it can become known in between.
func limitedKeyOf(e *event.Event) limitedKey {
	k := limitedKey{proc: e.Proc, netns: e.Netns, end: e.Dst, proto: e.Proto, direction: e.Direction}
	if e.Inferred&event.FieldPID != 0 {
		k.proc = event.ProcID{}
	}
	if e.Direction == event.In {
		k.end = e.Src
	}
	return k
}

// take takes that a pair is limited, or is not any more.
func (l *limits) take(e *event.Event, whois func(event.ProcID) *event.Process) {
	if e.Flags.Has(event.NotSelected) {
		return
	}
	key := limitedKeyOf(e)
	one := l.now[key]
	if one == nil {
		one = l.begin(key, e)
	}
	one.process = whois(ownerOf(e))
	if e.Last != 0 {
		l.end(one, e.Last)
	}
}

// begin returns a pair that is limited from now on, for the first time or again.
func (l *limits) begin(key limitedKey, e *event.Event) *limited {
	one := l.ended[key]
	switch {
	case one == nil:
		one = &limited{limitedKey: key, since: e.First, times: 1}
	case e.First > one.until: // else it went on during a gap
		one.times++
	}
	one.most, one.until = e.Count, 0
	delete(l.ended, key)
	l.now[key] = one
	return one
}

func (l *limits) end(one *limited, until event.Time) {
	one.until = until
	delete(l.now, one.limitedKey)
	l.ended[one.limitedKey] = one
	if len(l.ended) > 2*maxEndedLimits {
		l.forget()
	}
}

// forget drops the pairs with the fewest events of those that have ended.
func (l *limits) forget() {
	for _, one := range listOf(l.ended)[maxEndedLimits:] {
		delete(l.ended, one.limitedKey)
		l.forgotten++
	}
}

// count takes what was only counted.
func (l *limits) count(e *event.Event, f *event.Fold) {
	if len(l.now) > 0 {
		if one := l.now[limitedKeyOf(e)]; one != nil {
			one.counted += f.All()
			l.counted += f.All()
		}
	}
}

// gap ends all: which ones end in a part that is missing is not known. Those that go on are
// reported again.
func (l *limits) gap(g *event.Gap) {
	if g.Truncated {
		return
	}
	for _, one := range listOf(l.now) {
		l.end(one, g.Begin)
	}
}

func (l *limits) restart() {
	clear(l.ended)
	l.forgotten, l.counted = 0, 0
	for _, one := range l.now {
		one.counted, one.times = 0, 1
	}
}

// listOf returns pairs, most events first.
func listOf(pairs ...map[limitedKey]*limited) (list []*limited) {
	for _, some := range pairs {
		for _, one := range some {
			list = append(list, one)
		}
	}
	slices.SortFunc(list, compareLimited)
	return list
}

func compareLimited(a, b *limited) int {
	return cmp.Or(cmp.Compare(b.counted, a.counted), cmp.Compare(a.until, b.until), compareProc(a.proc, b.proc), cmp.Compare(a.netns, b.netns),
		slices.Compare(a.end.Addr[:], b.end.Addr[:]), cmp.Compare(a.end.Port, b.end.Port), cmp.Compare(a.direction, b.direction))
}

// byProcess returns all pairs with their process, most events first. What happens to accepted connections
// before they have an owner is a pair of its own for the kernel.
func (l *limits) byProcess() (list []*limited) {
	known := map[limitedKey]*limited{}
	for _, one := range listOf(l.now, l.ended) {
		key := one.limitedKey
		key.proc = one.process.ID
		if other := known[key]; other != nil {
			other.add(one)
			continue
		}
		whole := *one
		known[key] = &whole
		list = append(list, &whole)
	}
	slices.SortFunc(list, compareLimited)
	return list
}

// add adds what is counted of the same process and end.
func (one *limited) add(other *limited) {
	one.since, one.times = min(one.since, other.since), max(one.times, other.times)
	if one.until != 0 && other.until != 0 {
		one.until = max(one.until, other.until)
	} else {
		one.until = 0
	}
	one.counted += other.counted
}

func (s *State) addLimits(snap *snapshot.Snapshot) {
	list := s.limits.byProcess()
	snap.Limited = snapshot.LimitedPairs{All: len(list) + s.limits.forgotten, Counted: s.limits.counted}
	for i, one := range list {
		if one.until == 0 {
			snap.Limited.Now++
		}
		if i < maxLimits {
			snap.DetailLimits = append(snap.DetailLimits, s.limitRow(one))
		}
	}
}

func (s *State) limitRow(one *limited) snapshot.DetailLimit {
	return snapshot.DetailLimit{
		Proc: *one.process, Netns: one.netns, NetnsName: s.world.Netns(one.netns).Name, Proto: one.proto, Direction: one.direction,
		End: one.end, Limit: one.most, Since: wallTime(s.world.Clock, one.since), Until: wallTime(s.world.Clock, one.until),
		Times: one.times, Counted: one.counted,
	}
}
