package aggregate

import (
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/bounds"
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/portspace"
)

// littleShare is that of 64 MiB.
const littleShare = bounds.Share(4)

func newLittleStream() *stream {
	s := newStreamOf(portspace.New(portspace.Limit))
	s.State = newState(s.world, s.table, littleShare)
	return s
}

// atNumber returns an event at one of many destinations.
func atNumber(number int, kind event.Kind, change func(*event.Event)) event.Event {
	return with(kind, func(e *event.Event) {
		e.Dst.Addr[13], e.Dst.Addr[14], e.Dst.Addr[15] = byte(number>>16), byte(number>>8), byte(number)
		change(e)
	})
}

// TestLittleMemory: where there is little memory the tables have fewer rows, and all is counted.
func TestLittleMemory(t *testing.T) {
	t.Parallel()
	const many = 2 * maxDestinations
	s := newLittleStream()
	for i := range many {
		s.Add([]event.Event{atNumber(i, event.Open, func(*event.Event) {}), atNumber(i, event.ConnectFail, flagged(event.HadPort))})
	}
	snap := s.Snapshot(0)
	requireSums(t, snap)
	if sum := sumOfDestinations(snap); sum.Opens != many || snap.Totals.ConnectFailures != many || snap.Totals.Live() != 0 {
		t.Errorf("%d opens of destinations, totals %+v, want %d", sum.Opens, snap.Totals, many)
	}
	failed := snap.OtherFailures.Count
	for i := range snap.Failures {
		failed += snap.Failures[i].Count
	}
	if failed != many {
		t.Errorf("%d failures, want %d", failed, many)
	}
	for _, one := range []struct {
		what  string
		rows  int
		usual int
	}{
		{"destinations", len(snap.Destinations), maxDestinations},
		{"pairs", len(s.pairs.rows), maxPairs},
		{"failures", len(snap.Failures), maxFailures},
		{"flows", len(s.flows.byID), maxFlows},
		{"port spaces", len(snap.PortSpaces), maxSpaces},
	} {
		if limit := littleShare.Of(one.usual); one.rows > limit || one.rows < limit*3/4 {
			t.Errorf("%d %s, at most %d", one.rows, one.what, limit)
		}
	}
}

// mostRowSets is how many sets of rows there are at most, if those of rows that were evicted are merged.
const mostRowSets = leastRowSets + 2*(maxPairs+maxPastPairs+1)/int(littleShare)

// TestLooseIsBounded: opens and failures of many destinations that are only counted, the opens first, leave
// no more behind than there are rows. As long as they go on no scan voids them.
func TestLooseIsBounded(t *testing.T) {
	t.Parallel()
	const rounds, many = 5, 8000
	s := newLittleStream()
	for round := range rounds {
		for i := range many {
			s.Add([]event.Event{atNumber(round*many+i, event.Folded, func(e *event.Event) { e.Fact = &event.Fold{Opens: 1} })})
		}
		for i := range many {
			s.Add([]event.Event{atNumber(round*many+i, event.ConnectFail, func(e *event.Event) {
				e.Src, e.Count, e.Flags = event.Endpoint{}, 1, event.HadPort
			})})
		}
	}
	if n := len(s.loose[inode].rows); n > mostRowSets {
		t.Errorf("%d sets of rows, at most %d", n, mostRowSets)
	}
	snap := s.Snapshot(0)
	requireSums(t, snap)
	if snap.Totals.Opens != rounds*many || snap.Totals.Live() != 0 {
		t.Errorf("totals %+v", snap.Totals)
	}
}

// TestBucketsAreBounded does the same with TIME_WAIT that is only counted, which ends in the end.
func TestBucketsAreBounded(t *testing.T) {
	t.Parallel()
	const many = 40_000
	s := newLittleStream()
	for i := range many {
		s.Add([]event.Event{after(time.Duration(i)*time.Millisecond, atNumber(i, event.Folded, func(e *event.Event) {
			e.Fact = &event.Fold{Opens: 1, ClosesOut: 1, TimeWaitOut: 1}
		}))})
	}
	if s.buckets.entries > mostRowSets {
		t.Errorf("%d sets of rows, at most %d", s.buckets.entries, mostRowSets)
	}
	snap := s.Snapshot(0)
	requireSums(t, snap)
	if snap.Totals.TimeWaitOut != many {
		t.Errorf("%d in TIME_WAIT of %d", snap.Totals.TimeWaitOut, many)
	}
	snap = s.Snapshot(begin.Add(time.Hour))
	requireSums(t, snap)
	if snap.Totals.TimeWaitOut != 0 || s.buckets.entries != 0 {
		t.Errorf("%d in TIME_WAIT after an hour, %d sets of rows", snap.Totals.TimeWaitOut, s.buckets.entries)
	}
}
