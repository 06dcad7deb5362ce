package aggregate

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/porttrace/porttrace/internal/bounds"
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/history"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// failKey says which failures are one row: the same call of the same process, for the
// same thing, with the same result.
type failKey struct {
	sweepKey
	target event.Endpoint
}

type failure struct {
	failKey
	occurred
	info     *event.Process
	number   uint64
	credit   uint64
	inferred event.Field
	local    event.Endpoint
	holder   *event.Holder // of the newest call for which it is known
	sweep    *sweep
	ended    *netnsName // its namespace, if the inode is another's by now
}

// occurred is how often something happened, and when.
type occurred struct {
	count       uint64
	resent      uint64 // of count: their SYN was retransmitted
	history     history.History
	first, last event.Time
}

func (o *occurred) add(e *event.Event, n uint64) {
	o.count += n
	if e.Flags.Has(event.Unanswered) {
		o.resent += n
	}
	o.history.Add(e.Time, snapshot.Point{Failures: uint32(n)})
	begin := cmp.Or(e.First, e.Time)
	if o.first == 0 || begin < o.first {
		o.first = begin
	}
	o.last = max(o.last, e.Time)
}

func (o *occurred) merge(other *occurred) {
	o.count += other.count
	o.resent += other.resent
	o.history.Merge(&other.history)
	if o.first == 0 || other.first < o.first {
		o.first = other.first
	}
	o.last = max(o.last, other.last)
}

// failures are bounded as the rows of a table are: the lightest go. What they have counted
// stays in other and in their sweep.
type failures struct {
	limit    int
	byKey    map[failKey]*failure
	sweeps   sweeps
	programs programFailures
	made     uint64
	floor    uint64    // the weight of the heaviest that was evicted
	other    *occurred // nil until it is needed
}

func newFailures(share bounds.Share) failures {
	return failures{
		limit: share.Of(maxFailures), byKey: map[failKey]*failure{},
		sweeps: newSweeps(share.Of(maxSweeps)), programs: programFailures{limit: share.Of(maxProgramFailures)},
	}
}

func (f *failures) add(e *event.Event, n uint64, whois func(event.ProcID) *event.Process) {
	key := failKey{sweepKey{e.Proc, e.Netns, e.Proto, e.Op, e.Errno, e.Reason}, e.Dst}
	if e.Kind == event.BindFail {
		key.target = e.Src
	}
	row := f.byKey[key]
	if row == nil {
		row = f.create(key, e)
		row.info = whois(e.Proc)
	}
	// Repeats that come folded do not say from where.
	if e.Kind == event.ConnectFail && (!unspecified(e.Src.Addr) || !row.local.Known()) {
		row.local = e.Src
	}
	if e.Holder != nil {
		row.holder = e.Holder
	}
	row.add(e, n)
	row.sweep = f.sweeps.current(row.sweep, row.sweepKey)
	row.sweep.add(e, n, row.target)
	f.programs.add(e, n, row.target, whois(e.Proc))
}

func (f *failures) create(key failKey, e *event.Event) *failure {
	if len(f.byKey) >= f.limit {
		f.evict()
	}
	f.made++
	row := &failure{failKey: key, number: f.made, credit: f.floor, inferred: e.Inferred}
	f.byKey[key] = row
	return row
}

// portWeight is how much more a failure for want of a port weighs: it is what the user has
// come for.
const portWeight = 64

func (f *failure) weight() uint64 {
	weight := f.credit + f.count
	switch f.reason {
	case event.RangeExhausted, event.TupleTaken, event.PortTaken:
		weight = min(weight, math.MaxUint64/portWeight) * portWeight
	}
	return weight
}

func compareFailures(a, b *failure) int {
	return cmp.Or(cmp.Compare(a.weight(), b.weight()), cmp.Compare(a.last, b.last), cmp.Compare(a.number, b.number))
}

// evict gives up the lightest eighth; the totals and other keep their number.
func (f *failures) evict() {
	all := slices.Collect(maps.Values(f.byKey))
	if f.other == nil {
		f.other = &occurred{}
	}
	for _, row := range least(all, len(all)/8, compareFailures) {
		f.floor = max(f.floor, row.credit+row.count)
		f.other.merge(&row.occurred)
		delete(f.byKey, row.failKey)
	}
}

// rows adds the rows to a snapshot.
func (f *failures) rows(s *State, snap *snapshot.Snapshot) {
	for _, row := range f.byKey {
		if p := s.whois(row.proc); p.Comm != "" {
			row.info = p
		}
		out := s.failureRow(&row.occurred)
		out.Proc, out.Netns, out.Proto = *row.info, row.netns, row.proto
		out.NetnsName, out.NetnsGone = s.netnsOfFailure(row.netns, row.ended)
		out.Op, out.Errno, out.Reason, out.Inferred = row.op, row.errno, row.reason, row.inferred
		out.Target, out.Local, out.HeldBy = row.target, row.local, s.heldBy(row.holder)
		snap.Failures = append(snap.Failures, out)
	}
	snap.Failures = snapshot.Sort(snap.Failures, snapshot.FailureColumns()[0], false)
	if f.other != nil {
		other := s.failureRow(f.other)
		snap.OtherFailures = &other
	}
	snap.Sweeps = f.sweeps.rows(s)
	snap.ProgramFailures = f.programs.rows(s)
}

func (s *State) heldBy(h *event.Holder) *snapshot.HeldBy {
	if h == nil {
		return nil
	}
	freeIn := time.Duration(-1)
	if h.Expiry != 0 {
		freeIn = max(h.Expiry.Sub(s.now), 0)
	}
	return &snapshot.HeldBy{Holder: *h, Info: *s.whois(h.Proc), FreeIn: freeIn}
}

func (s *State) failureRow(o *occurred) snapshot.Failure {
	clock := s.world.Clock
	return snapshot.Failure{
		Count: o.count, Resent: o.resent, Rate: o.history.Rates(s.started, s.now).Failures,
		First: clock.WallTime(o.first), Last: clock.WallTime(o.last),
	}
}

// endNetns notes that the inode of the namespace is another's by now.
func (f *failures) endNetns(n *netnsName) {
	f.programs.endNetns(n)
	for _, row := range f.byKey {
		if row.netns == n.inode && row.ended == nil {
			row.ended = n
		}
	}
	for _, one := range f.sweeps.byKey {
		if one.netns == n.inode && one.ended == nil {
			one.ended = n
		}
	}
}

// netnsOfFailure returns the name of a failure's namespace, and whether it is gone.
func (s *State) netnsOfFailure(inode uint32, ended *netnsName) (name string, gone bool) {
	if ended != nil {
		return ended.name, true
	}
	return s.netnsOf(destKey{netns: inode})
}
