package aggregate

import (
	"cmp"
	"maps"
	"slices"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// sweepKey says which failures differ in their target alone.
type sweepKey struct {
	proc   event.ProcID
	netns  uint32
	proto  event.Proto
	op     event.Op
	errno  event.Errno
	reason event.Reason
}

type sweep struct {
	sweepKey
	occurred
	number   uint64
	targets  targets
	info     *event.Process
	inferred event.Field
	evicted  bool
	ended    *netnsName // its namespace, if the inode is another's by now
}

// sweeps count failures without their targets, so that thousands of rows are one sentence.
type sweeps struct {
	limit int
	byKey map[sweepKey]*sweep
	made  uint64
}

func newSweeps(limit int) sweeps { return sweeps{limit: limit, byKey: map[sweepKey]*sweep{}} }

// current returns the sweep of a key: known if it still counts.
func (s *sweeps) current(known *sweep, key sweepKey) *sweep {
	if known != nil && !known.evicted {
		return known
	}
	one := s.byKey[key]
	if one != nil {
		return one
	}
	if len(s.byKey) >= s.limit {
		s.evict()
	}
	s.made++
	one = &sweep{sweepKey: key, number: s.made}
	s.byKey[key] = one
	return one
}

func (s *sweep) add(e *event.Event, n uint64, target event.Endpoint) {
	s.occurred.add(e, n)
	s.targets.add(target)
	s.inferred |= e.Inferred
}

// evict drops the eighth with the fewest failures.
func (s *sweeps) evict() {
	all := slices.Collect(maps.Values(s.byKey))
	order := func(a, b *sweep) int {
		return cmp.Or(cmp.Compare(a.count, b.count), cmp.Compare(a.last, b.last), cmp.Compare(a.number, b.number))
	}
	for _, one := range least(all, len(all)/8, order) {
		delete(s.byKey, one.sweepKey)
		*one = sweep{evicted: true} // failures refer to it
	}
}

// rows returns those of many targets, most failures first.
func (s *sweeps) rows(state *State) []snapshot.Sweep {
	var rows []snapshot.Sweep
	for _, one := range s.byKey {
		count, estimated := one.targets.count()
		count = int(min(uint64(count), one.count)) // an estimate can be too high
		if count < snapshot.SweepTargets {
			continue
		}
		if p := state.whois(one.proc); one.info == nil || p.Comm != "" {
			one.info = p
		}
		f := state.failureRow(&one.occurred)
		f.Proc, f.Netns, f.Proto = *one.info, one.netns, one.proto
		f.NetnsName, f.NetnsGone = state.netnsOfFailure(one.netns, one.ended)
		f.Op, f.Errno, f.Reason, f.Inferred = one.op, one.errno, one.reason, one.inferred
		rows = append(rows, snapshot.Sweep{Failure: f, Targets: count, Estimated: estimated})
	}
	slices.SortFunc(rows, func(a, b snapshot.Sweep) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), compareProc(a.Proc.ID, b.Proc.ID), cmp.Compare(a.Netns, b.Netns),
			cmp.Compare(a.Proto, b.Proto), cmp.Compare(a.Op, b.Op), cmp.Compare(a.Errno, b.Errno), cmp.Compare(a.Reason, b.Reason))
	})
	return rows
}
