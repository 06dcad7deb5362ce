package aggregate

import (
	"cmp"
	"slices"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// maxLimits bounds the limits of detail that are listed.
const maxLimits = 100

// limits are the pairs of a process and an end whose events are only counted, or were.
type limits struct {
	now   map[limitedKey]*limited
	ended []limited // newest last
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
	since, until event.Time
	counted      uint64
}

func newLimits() limits { return limits{now: map[limitedKey]*limited{}} }

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
		one = &limited{limitedKey: key, most: e.Count, since: e.First}
		l.now[key] = one
	}
	one.process = whois(ownerOf(e))
	if e.Last != 0 {
		l.end(one, e.Last)
	}
}

func (l *limits) end(one *limited, until event.Time) {
	one.until = until
	delete(l.now, one.limitedKey)
	l.ended = append(l.ended, *one)
	l.ended = l.ended[max(len(l.ended)-maxLimits, 0):]
}

// count takes what was only counted.
func (l *limits) count(e *event.Event, f *event.Fold) {
	if len(l.now) > 0 {
		if one := l.now[limitedKeyOf(e)]; one != nil {
			one.counted += f.All()
		}
	}
}

// gap ends all: which ones end in a part that is missing is not known. Those that go on are
// reported again.
func (l *limits) gap(g *event.Gap) {
	for _, one := range l.going() {
		if !g.Truncated {
			l.end(one, g.Begin)
		}
	}
}

func (l *limits) restart() {
	l.ended = nil
	for _, one := range l.now {
		one.counted = 0
	}
}

// going returns those that go on, most events first.
func (l *limits) going() []*limited {
	list := make([]*limited, 0, len(l.now))
	for _, one := range l.now {
		list = append(list, one)
	}
	slices.SortFunc(list, func(a, b *limited) int {
		return cmp.Or(cmp.Compare(b.counted, a.counted), compareProc(a.proc, b.proc), slices.Compare(a.end.Addr[:], b.end.Addr[:]), cmp.Compare(a.end.Port, b.end.Port))
	})
	return list
}

func (s *State) limitRows() (rows []snapshot.DetailLimit) {
	add := func(one *limited) {
		row := snapshot.DetailLimit{
			Proc: *one.process, Netns: one.netns, NetnsName: s.world.Netns(one.netns).Name, Proto: one.proto, Direction: one.direction,
			End: one.end, Limit: one.most, Since: wallTime(s.world.Clock, one.since), Until: wallTime(s.world.Clock, one.until),
		}
		// What happens to accepted connections before they have an owner is a pair of its own.
		i := slices.IndexFunc(rows, func(r snapshot.DetailLimit) bool { return sameLimit(&r, &row) })
		if i < 0 {
			if i = len(rows); i >= maxLimits {
				return
			}
			rows = append(rows, row)
		}
		rows[i].Counted += one.counted
	}
	for _, one := range s.limits.going() {
		add(one)
	}
	for i := len(s.limits.ended) - 1; i >= 0; i-- {
		add(&s.limits.ended[i])
	}
	return rows
}

// sameLimit reports whether two rows say the same of one process and one end.
func sameLimit(a, b *snapshot.DetailLimit) bool {
	return a.Proc.ID == b.Proc.ID && a.Netns == b.Netns && a.End == b.End && a.Proto == b.Proto && a.Direction == b.Direction &&
		a.Since.Equal(b.Since) && a.Until.Equal(b.Until)
}
