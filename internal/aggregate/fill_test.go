package aggregate

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/history"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// slowStream is a portStream of some minutes in which buckets live for 20 s, some sockets are not
// selected, and calls find no port now and then.
func slowStream(seed uint64) []event.Event {
	r := rand.New(rand.NewPCG(seed, 3))
	var stream []event.Event
	for i, e := range portStream(seed, event.PortRange{Low: 40_000, High: 40_299}, 400) {
		e.Time = begin.Add(e.Time.Sub(begin) * 421)
		if fact, is := e.Fact.(*event.Netns); is {
			fact.TimeWaitSetting = uint64(20 * time.Second)
			fact.TimerStep = 0
		}
		if e.Proc.PID%5 == 4 {
			e = notSelected(e)
		}
		stream = append(stream, e)
		if e.Kind == event.Open && i%11 == 0 {
			failed := with(event.ConnectFail, noPort)
			failed.Time, failed.Src.Addr, failed.Flags, failed.Count = e.Time, e.Src.Addr, e.Flags&event.NotSelected, uint64(1+r.IntN(3))
			stream = append(stream, failed)
		}
	}
	return stream
}

// TestFillIsWhatWasShown compares points with the row that a snapshot of that moment has, made from
// scratch.
func TestFillIsWhatWasShown(t *testing.T) {
	t.Parallel()
	for seed := range uint64(2) {
		stream := slowStream(seed)
		last := stream[len(stream)-1].Time
		got := of(stream...).Snapshot(last)
		now := history.SecondOf(last)
		compared := map[snapshot.SpaceKind]int{}
		for second := now - snapshot.HistorySeconds; second < now; second += 7 {
			end := event.Time((second + 1) * int64(time.Second))
			then := of(until(stream, end)...).Snapshot(end)
			checkHost(t, got, then, int(now-second))
			for i := range then.PortSpaces {
				if checkPoint(t, got, &then.PortSpaces[i], int(now-second)) {
					compared[then.PortSpaces[i].Kind]++
				}
			}
		}
		if compared[snapshot.ConnectSpace] < 50 || compared[snapshot.BindSpace] < 30 {
			t.Errorf("only %v points were compared", compared)
		}
	}
}

// checkPoint compares a row with the point that was made of it some seconds ago, if there is one.
func checkPoint(t *testing.T, got *snapshot.Snapshot, row *snapshot.PortSpace, ago int) bool {
	t.Helper()
	space := got.Space(row.ID())
	if space == nil { // no bound socket is left at the address
		return false
	}
	if len(space.Fill) < ago {
		if row.InUse()*100 >= row.Capacity*noticedPercent {
			t.Errorf("%d s ago %+v had no point", ago, row.ID())
		}
		return false
	}
	p := space.Fill[len(space.Fill)-ago]
	p.Exhausted = 0
	want := snapshot.FillPoint{
		Capacity: uint16(row.Capacity), InUse: uint16(row.InUse()), TimeWait: uint16(row.TimeWait), Reusable: uint16(row.Reusable),
	}
	if p != want {
		t.Errorf("%d s ago %+v: %+v, and the row was %+v", ago, row.ID(), p, want)
	}
	return true
}

// The failures of a space, and of the host, are in the seconds in which they were.
func TestFillHasFailures(t *testing.T) {
	t.Parallel()
	stream := slowStream(0)
	end := event.Time((history.SecondOf(stream[len(stream)-1].Time) + 1) * int64(time.Second))
	snap := of(stream...).Snapshot(end)
	first := end.Add(-snapshot.HistorySeconds * time.Second)
	calls := map[snapshot.SpaceID][]uint32{}
	selected := make([]uint32, snapshot.HistorySeconds)
	for i := range stream {
		e := &stream[i]
		if e.Reason != event.RangeExhausted || e.Time < first {
			continue
		}
		id := snapshot.SpaceID{Kind: snapshot.BindSpace, Netns: e.Netns, Proto: e.Proto, Local: e.Src.Addr}
		if e.Kind == event.ConnectFail {
			id.Kind, id.Remote = snapshot.ConnectSpace, e.Dst
		}
		if calls[id] == nil {
			calls[id] = make([]uint32, snapshot.HistorySeconds)
		}
		second := int(e.Time.Sub(first) / time.Second)
		calls[id][second] += uint32(e.Count)
		if !e.Flags.Has(event.NotSelected) {
			selected[second] += uint32(e.Count)
		}
	}
	for i, p := range snap.Worst {
		if p.Exhausted != selected[i] {
			t.Errorf("second %d: %+v, want %d", i, p, selected[i])
		}
	}
	for id, want := range calls {
		fill := snap.Space(id).Fill
		for i, p := range fill {
			if n := want[snapshot.HistorySeconds-len(fill)+i]; p.Exhausted != n {
				t.Errorf("second %d of %+v: %+v, want %d", i, id, p, n)
			}
		}
	}
	if len(calls) < 4 || slices.Max(selected) == 0 {
		t.Errorf("calls failed in %d spaces", len(calls))
	}
}

// until returns the events before a moment.
func until(stream []event.Event, end event.Time) []event.Event {
	n := slices.IndexFunc(stream, func(e event.Event) bool { return e.Time >= end })
	if n < 0 {
		n = len(stream)
	}
	return slices.Clone(stream[:n])
}

// checkHost compares the points of the host that were made some seconds ago.
func checkHost(t *testing.T, got, then *snapshot.Snapshot, ago int) {
	t.Helper()
	if len(got.Worst) < ago || len(got.Sockets) < ago {
		t.Fatalf("%d and %d points, none of %d s ago", len(got.Worst), len(got.Sockets), ago)
	}
	worst := 0.0
	for i := range then.PortSpaces {
		if p := &then.PortSpaces[i]; p.HasAllocations() {
			worst = max(worst, p.TakenShare())
		}
	}
	if p := got.Worst[len(got.Worst)-ago]; !p.Known || p.Share != worst {
		t.Errorf("%d s ago: %+v, and the fullest was %v", ago, p, worst)
	}
	want := snapshot.SocketPoint{
		Known: true, Open: uint32(then.Totals.Live()), SynSent: uint32(then.Totals.SynSent),
		CloseWait: uint32(then.Totals.CloseWait), TimeWait: uint32(then.Totals.TimeWaitOut),
	}
	if p := got.Sockets[len(got.Sockets)-ago]; p != want {
		t.Errorf("%d s ago: %+v, want %+v", ago, p, want)
	}
}

// TestFillIsOfTheStreamAlone takes snapshots at any time, also when events of an earlier moment
// are still to come: what is shown at last does not depend on them.
func TestFillIsOfTheStreamAlone(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		checkSnapshotsBetween(t, slowStream(seed))
	}
}

func checkSnapshotsBetween(t *testing.T, stream []event.Event) {
	t.Helper()
	last := stream[len(stream)-1].Time.Add(1700 * time.Millisecond)
	want := of(stream...).Snapshot(last)
	r := rand.New(rand.NewPCG(1, 1))
	s := newStream()
	for i := range stream {
		s.Add(stream[i : i+1])
		if i%3 == 0 {
			s.Snapshot(stream[i].Time.Add(time.Duration(r.IntN(int(time.Second)))))
		}
	}
	got := s.Snapshot(last)
	for i := range want.PortSpaces {
		w := &want.PortSpaces[i]
		if g := got.Space(w.ID()); g == nil || !reflect.DeepEqual(g.Fill, w.Fill) || !reflect.DeepEqual(g.Map, w.Map) {
			t.Errorf("%+v has another history", w.ID())
		}
	}
	if !reflect.DeepEqual(got.Worst, want.Worst) || !reflect.DeepEqual(got.Sockets, want.Sockets) {
		t.Error("the host has another history")
	}
	if n := len(want.Worst); n != snapshot.HistorySeconds {
		t.Errorf("%d points", n)
	}
}

// Snapshots share their points, and none of them changes.
func TestFillOfSnapshotDoesNotChange(t *testing.T) {
	t.Parallel()
	stream := slowStream(2)
	s := newStream()
	type kept struct{ snap, fresh *snapshot.Snapshot }
	var all []kept
	for i := range stream {
		s.Add(stream[i : i+1])
		if i%50 == 49 {
			all = append(all, kept{s.Snapshot(0), of(stream[:i+1]...).Snapshot(0)})
		}
	}
	s.Add([]event.Event{after(time.Hour, event.Event{Time: begin, Kind: event.Missing, Fact: &event.Gap{Begin: begin}})})
	for i, k := range all {
		if !reflect.DeepEqual(k.snap, k.fresh) {
			t.Errorf("snapshot %d has changed", i)
		}
	}
}

// manyOpen is n connections of a space from a port on.
func manyOpen(remote string, n int, at time.Duration) (events []event.Event) {
	for i := range n {
		events = append(events, after(at, with(event.Open, all(from(uint16(40_000+i)), towards(remote)))))
	}
	return events
}

func TestFillBeginsWhenNoticed(t *testing.T) {
	t.Parallel()
	s := of(ranged(40_000, 40_999))
	s.Add(manyOpen("10.0.0.2:80", noticedPercent*10-1, 0))
	snap := s.Snapshot(begin.Add(3 * time.Second))
	if space := spaceOf(t, snap, snapshot.ConnectSpace, web); space.Fill != nil || len(snap.Worst) != 3 || snap.Worst[2].Share != 0.049 {
		t.Errorf("%+v, %+v", space.Fill, snap.Worst)
	}
	s.Add(manyOpen("10.0.0.2:80", noticedPercent*10, 3500*time.Millisecond))
	full := s.Snapshot(begin.Add(6 * time.Second))
	if space := spaceOf(t, full, snapshot.ConnectSpace, web); len(space.Fill) != 3 || space.Fill[0].InUse != 50 || space.Fill[2].Capacity != 1000 {
		t.Errorf("%+v", space.Fill)
	}
	// It ends when the space was not noticeable for as long as the history is.
	closed := manyOpen("10.0.0.2:80", noticedPercent*10, 7*time.Second)
	for i := range closed[1:] {
		closed[1+i].Kind = event.Close
	}
	s.Add(closed[1:])
	for _, tc := range []struct {
		at     int
		points int
	}{{100, 97}, {126, 120}, {127, 0}, {300, 0}} {
		snap := s.Snapshot(begin.Add(time.Duration(tc.at) * time.Second))
		if space := spaceOf(t, snap, snapshot.ConnectSpace, web); len(space.Fill) != tc.points || len(snap.Worst) != min(tc.at, snapshot.HistorySeconds) {
			t.Errorf("after %d s %d points, want %d; %d of the host", tc.at, len(space.Fill), tc.points, len(snap.Worst))
		}
	}
}

// A call that finds no port makes a space noticeable, whatever is in use.
func TestFillOfFailing(t *testing.T) {
	t.Parallel()
	s := of(ranged(40_000, 40_999), after(time.Second, with(event.ConnectFail, all(noPort, func(e *event.Event) { e.Count = 3 }))),
		after(2500*time.Millisecond, with(event.ConnectFail, noPort)))
	snap := s.Snapshot(begin.Add(4 * time.Second))
	space := spaceOf(t, snap, snapshot.ConnectSpace, web)
	want := []snapshot.FillPoint{{Capacity: 1000, Exhausted: 3}, {Capacity: 1000, Exhausted: 1}, {Capacity: 1000}}
	if !reflect.DeepEqual(space.Fill, want) {
		t.Errorf("%+v", space.Fill)
	}
	if w := snap.Worst; len(w) != 4 || w[0].Exhausted != 0 || w[1].Exhausted != 3 || w[2].Exhausted != 1 || w[3].Exhausted != 0 {
		t.Errorf("%+v", w)
	}
}

// The histories are bounded: one of a space that fails or is nearly full takes the place of another.
func TestFillsAreBounded(t *testing.T) {
	t.Parallel()
	s := of(ranged(40_000, 40_019))
	for port := range uint16(maxFills + 50) {
		s.Add([]event.Event{with(event.Open, func(e *event.Event) { e.Dst.Port = 1 + port })})
	}
	s.Snapshot(begin.Add(time.Second)) // keeps nothing
	s.Add([]event.Event{after(1100*time.Millisecond, with(event.ConnectFail, all(noPort, towards("10.0.0.9:1"))))})
	s.Add(manyOpen("10.0.0.9:2", 19, 1200*time.Millisecond))
	s.Add(manyOpen("10.0.0.9:3", 2, 1200*time.Millisecond))
	snap := s.Snapshot(begin.Add(3 * time.Second))
	n := 0
	for i := range snap.PortSpaces {
		if snap.PortSpaces[i].Fill != nil {
			n++
		}
	}
	if n != maxFills {
		t.Errorf("%d histories", n)
	}
	for remote, kept := range map[string]bool{"10.0.0.9:1": true, "10.0.0.9:2": true, "10.0.0.9:3": false} {
		if space := spaceOf(t, snap, snapshot.ConnectSpace, endpoint(remote)); (space.Fill != nil) != kept {
			t.Errorf("%s: %+v", remote, space.Fill)
		}
	}
}

// What is missing in the stream is not known, and the rest is.
func TestFillOfGap(t *testing.T) {
	t.Parallel()
	s := of(ranged(40_000, 40_099))
	s.Add(manyOpen("10.0.0.2:80", 20, 0))
	gap := &event.Gap{Begin: begin.Add(2200 * time.Millisecond), End: begin.Add(3500 * time.Millisecond)}
	s.Add([]event.Event{after(4*time.Second, event.Event{Time: begin, Kind: event.Missing, Fact: gap})})
	snap := s.Snapshot(begin.Add(5 * time.Second))
	fill := spaceOf(t, snap, snapshot.ConnectSpace, web).Fill
	for i, known := range []bool{true, true, false, false, true} {
		if fill[i].Known() != known || snap.Worst[i].Known != known || snap.Sockets[i].Known != known {
			t.Errorf("second %d: %+v, %+v, %+v", i, fill[i], snap.Worst[i], snap.Sockets[i])
		}
	}
}

// Under a filter only spaces from which a selected process allocates count.
func TestWorstIsSelected(t *testing.T) {
	t.Parallel()
	s := of(ranged(40_000, 40_099))
	for _, e := range manyOpen("10.0.0.2:80", 50, 0) {
		s.Add([]event.Event{notSelected(e)})
	}
	s.Add(manyOpen("10.0.0.7:80", 10, 0))
	s.Add([]event.Event{notSelected(with(event.ConnectFail, noPort))})
	snap := s.Snapshot(begin.Add(2 * time.Second))
	if w := snap.Worst; len(w) != 2 || w[1].Share != 0.1 || w[0].Exhausted != 0 {
		t.Errorf("%+v", w)
	}
	if g := snap.Sockets; len(g) != 2 || g[1].Open != 10 {
		t.Errorf("%+v", g)
	}
	s.Restart(begin.Add(2 * time.Second))
	s.Add([]event.Event{after(2500*time.Millisecond, with(event.Open, all(from(40_050), towards("10.0.0.7:80"))))})
	snap = s.Snapshot(begin.Add(3 * time.Second))
	fill := spaceOf(t, snap, snapshot.ConnectSpace, endpoint("10.0.0.7:80")).Fill
	if len(snap.Worst) != 1 || len(snap.Sockets) != 1 || len(fill) != 1 || fill[0].InUse != 11 {
		t.Errorf("after a restart: %+v, %+v, %+v", snap.Worst, snap.Sockets, fill)
	}
}
