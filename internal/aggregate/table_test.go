package aggregate

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// counted is what must agree between the whole and its parts.
func counted(t snapshot.Totals) snapshot.Totals {
	t.LifetimeP50, t.LifetimeP99, t.TimeWaitOther = 0, 0, 0
	return t
}

func sum(a, b snapshot.Totals) snapshot.Totals {
	r := row{Totals: counted(a)}
	r.merge(&row{Totals: counted(b)})
	return r.Totals
}

func sumOfProcesses(snap *snapshot.Snapshot) (total snapshot.Totals) {
	for _, p := range snap.Processes {
		total = sum(total, p.Totals)
	}
	if snap.OtherProcesses != nil {
		total = sum(total, snap.OtherProcesses.Totals)
	}
	return total
}

func sumOfDestinations(snap *snapshot.Snapshot) (total snapshot.Totals) {
	for _, d := range snap.Destinations {
		total = sum(total, d.Totals)
	}
	if snap.OtherDestinations != nil {
		total = sum(total, snap.OtherDestinations.Totals)
	}
	return total
}

func requireSums(t *testing.T, snap *snapshot.Snapshot) {
	t.Helper()
	if got, want := sumOfProcesses(snap), counted(snap.Totals); got != want {
		t.Errorf("the processes sum up to\n%+v, the whole is\n%+v", got, want)
	}
}

// TestShortLivedProcesses is a host that starts more programs than there are rows. Each
// leaves a TIME_WAIT bucket behind, which must not keep newer ones out.
func TestShortLivedProcesses(t *testing.T) {
	t.Parallel()
	const processes = 10_000
	s := newStream()
	for i := range processes {
		id := event.ProcID{PID: uint32(i + 1), Start: uint64(i)}
		one := func(kind event.Kind, f event.Flags) event.Event {
			return after(time.Duration(i)*time.Millisecond, with(kind, func(e *event.Event) {
				e.Proc, e.Flags = id, f
				e.Dst.Port = uint16(i)
			}))
		}
		s.Add([]event.Event{one(event.Open, 0), one(event.Close, event.TimeWait)})
	}
	snap := s.Snapshot(0)
	requireSums(t, snap)
	if got, want := sumOfDestinations(snap).Opens, uint64(processes-1); got != want { // port 0 is none
		t.Errorf("the destinations sum up to %d, want %d", got, want)
	}
	if len(snap.Processes) > maxProcesses || len(snap.Processes) < maxProcesses*7/8 || snap.OtherProcesses == nil {
		t.Errorf("%d rows", len(snap.Processes))
	}
	processOf(t, snap, event.ProcID{PID: processes, Start: processes - 1})
	if snap.Totals.TimeWaitOut != processes {
		t.Errorf("%d in TIME_WAIT, want %d", snap.Totals.TimeWaitOut, processes)
	}
	snap = s.Snapshot(begin.Add(time.Hour))
	requireSums(t, snap)
	if snap.Totals.TimeWaitOut != 0 || snap.OtherProcesses.TimeWaitOut != 0 {
		t.Errorf("%d in TIME_WAIT after an hour, %d of them of others", snap.Totals.TimeWaitOut, snap.OtherProcesses.TimeWaitOut)
	}
}

// TestAllAlive fills the tables with rows that hold sockets: they stay.
func TestAllAlive(t *testing.T) {
	t.Parallel()
	const processes = maxPairs + 2000
	s := newStream()
	each := func(kind event.Kind) {
		for i := range processes {
			s.Add([]event.Event{with(kind, func(e *event.Event) {
				e.Proc.PID, e.Dst.Addr[14], e.Dst.Addr[15] = uint32(i+1), byte(i>>8), byte(i)
			})})
		}
	}
	each(event.Open)
	snap := s.Snapshot(0)
	requireSums(t, snap)
	if got, want := sumOfDestinations(snap), counted(snap.Totals); got != want {
		t.Errorf("the destinations sum up to %+v, want %+v", got, want)
	}
	if len(snap.Processes) != maxProcesses || snap.OtherProcesses.Live() != processes-maxProcesses {
		t.Errorf("%d rows and %d others", len(snap.Processes), snap.OtherProcesses.Live())
	}
	if len(snap.Destinations) != maxDestinations || len(s.pairs.rows) != maxPairs {
		t.Errorf("%d destinations, %d pairs", len(snap.Destinations), len(s.pairs.rows))
	}
	each(event.Close)
	snap = s.Snapshot(0)
	requireSums(t, snap)
	if snap.Totals.Live() != 0 || snap.OtherProcesses.Live() != 0 {
		t.Errorf("%d live, %d of others", snap.Totals.Live(), snap.OtherProcesses.Live())
	}
	// There is room again, once the second is over.
	s.Add([]event.Event{after(time.Second, with(event.Open, func(e *event.Event) { e.Proc.PID = 1_000_000 }))})
	processOf(t, s.Snapshot(0), event.ProcID{PID: 1_000_000, Start: shop.Start})
}

// TestComesBack: a process whose row was given up gets a new one, and its connections
// count there.
func TestComesBack(t *testing.T) {
	t.Parallel()
	s := of(with(event.Open, nil), with(event.Close, flagged(event.TimeWait)))
	for i := range maxProcesses + 10 {
		other := func(kind event.Kind) event.Event {
			return after(time.Second, with(kind, func(e *event.Event) { e.Proc.PID, e.Src.Port = uint32(1000+i), uint16(41000+i) }))
		}
		s.Add([]event.Event{other(event.Open), other(event.Close)})
	}
	if s.processes.rows[shop] != nil {
		t.Fatal("the row of the quiet process is still there")
	}
	if got := s.Snapshot(0).OtherProcesses.TimeWaitOut; got != 1 {
		t.Errorf("the bucket of the evicted row: %d in TIME_WAIT", got)
	}
	s.Add([]event.Event{after(2*time.Second, with(event.Open, from(40001)))})
	snap := s.Snapshot(0)
	requireSums(t, snap)
	// The bucket is its own again: the table of sockets knows the owner.
	if p := processOf(t, snap, shop); p.Opens != 1 || p.Live() != 1 || p.TimeWaitOut != 1 {
		t.Errorf("got %+v", p.Totals)
	}
	if got := snap.OtherProcesses.TimeWaitOut; got != 0 {
		t.Errorf("the bucket is counted twice: %d in TIME_WAIT", got)
	}
}

// TestNamesOutliveTheWorld: a program that is quiet while very many others come and go
// is still known by its name.
func TestNamesOutliveTheWorld(t *testing.T) {
	t.Parallel()
	s := of(
		event.Event{Time: begin, Kind: event.ProcessKnown, Fact: &event.Process{ID: shop, Comm: "shop-api"}},
		with(event.Open, nil),
		with(event.ConnectFail, func(e *event.Event) { e.Op = event.OpConnect }),
	)
	for i := range 100_000 {
		id := event.ProcID{PID: uint32(i + 1000)}
		s.Add([]event.Event{{Time: begin, Kind: event.ProcessKnown, Fact: &event.Process{ID: id, Comm: "curl"}}})
	}
	snap := s.Snapshot(0)
	if got := processOf(t, snap, shop).Info.Comm; got != "shop-api" {
		t.Errorf("the process is called %q", got)
	}
	if got := snap.Failures[0].Proc.Comm; got != "shop-api" {
		t.Errorf("who failed is called %q", got)
	}
	if got := snap.Destinations[0].Processes[0].Comm; got != "shop-api" {
		t.Errorf("who connects is called %q", got)
	}
}

func TestFailuresAreBounded(t *testing.T) {
	t.Parallel()
	const failures = 3 * maxFailures
	s := newStream()
	for i := range failures {
		s.Add([]event.Event{after(time.Duration(i)*time.Microsecond, with(event.ConnectFail, func(e *event.Event) {
			e.Op, e.Dst.Addr[14], e.Dst.Addr[15] = event.OpConnect, byte(i>>8), byte(i)
		}))})
	}
	snap := s.Snapshot(0)
	if n := len(snap.Failures); n > maxFailures || n < maxFailures*7/8 {
		t.Errorf("%d rows of failures", n)
	}
	if snap.Totals.ConnectFailures != failures {
		t.Errorf("%d failures, want %d", snap.Totals.ConnectFailures, failures)
	}
	newest := false
	for _, f := range snap.Failures {
		newest = newest || f.Target.Addr[14] == (failures-1)>>8&255 && f.Target.Addr[15] == (failures-1)&255
	}
	if !newest {
		t.Error("the newest failure was forgotten")
	}
}

// randomStream is of connections that live and end as real ones do, of some of which the
// kernel only counts, in a stream that is a little out of order.
func randomStream(seed uint64, connections int) []event.Event {
	r := rand.New(rand.NewPCG(seed, 1))
	var stream []event.Event
	emit := func(at time.Duration, e event.Event) {
		if e.Direction == event.Out && r.IntN(4) == 0 {
			e = folded(e)
		}
		stream = append(stream, after(at+time.Duration(r.IntN(int(10*time.Millisecond))), e))
	}
	for i := range connections {
		at := time.Duration(i) * 2 * time.Millisecond
		base := func(kind event.Kind, f event.Flags) event.Event {
			return with(kind, func(e *event.Event) { e.Flags = f })
		}
		id := event.ProcID{PID: uint32(r.IntN(300)), Start: 1} // 0 is unknown
		if r.IntN(2) == 0 {
			id = event.ProcID{PID: uint32(1000 + i), Start: uint64(i)} // short-lived
		}
		dst := event.Endpoint{Addr: web.Addr, Port: uint16(1 + r.IntN(9000))}
		own := func(kind event.Kind, f event.Flags) event.Event {
			e := base(kind, f)
			e.Proc, e.Dst, e.Netns = id, dst, inode+uint32(dst.Port%3)
			e.Src.Port = uint16(10_000 + i) // each connection has a port of its own
			return e
		}
		switch r.IntN(12) {
		case 0:
			emit(at, own(event.Open, 0))
			emit(at, own(event.SynUnanswered, 0))
			emit(at+time.Second, own(event.ConnectFail, event.HadPort|event.Unanswered))
		case 1:
			emit(at, own(event.Open, 0))
			emit(at, own(event.SynUnanswered, 0))
			emit(at, own(event.SynAnswered, 0))
		case 2:
			emit(at, own(event.ConnectFail, 0))
		case 3:
			emit(at, own(event.Open, 0)) // it leaks
		case 4:
			emit(at, own(event.Open, 0))
			emit(at, own(event.EnterCloseWait, 0))
			emit(at+time.Second, own(event.Close, event.InCloseWait))
		case 5:
			e := inbound(event.EnterCloseWait, func(e *event.Event) { e.Proc = nginx })
			emit(at, e)
			e = inbound(event.Close, flagged(event.InCloseWait|event.TimeWait))
			emit(at+time.Second, e)
		default:
			emit(at, own(event.Open, 0))
			e := own(event.Close, event.TimeWait*event.Flags(r.IntN(2)))
			e.Duration = uint64(r.IntN(1e9))
			emit(at+time.Duration(r.IntN(int(time.Second))), e)
		}
		if i%500 == 499 {
			kernel := kernelCount(int64(r.IntN(5000)))
			stream = append(stream, after(at, kernel))
		}
	}
	return stream
}

// folded is the event as the kernel counts it when the ring is full.
func folded(e event.Event) event.Event {
	var f event.Fold
	one := func(flag event.Flags) uint64 {
		if e.Flags.Has(flag) {
			return 1
		}
		return 0
	}
	switch e.Kind {
	case event.Open:
		f.Opens = 1
	case event.Close:
		f.ClosesOut, f.TimeWaitOut, f.LeaveCloseWait = 1, one(event.TimeWait), one(event.InCloseWait)
	case event.EnterCloseWait:
		f.EnterCloseWait = 1
	case event.SynUnanswered:
		f.EnterSynSent = 1
	case event.SynAnswered:
		f.LeaveSynSent = 1
	default:
		return e
	}
	e.Kind, e.Flags, e.Count, e.Fact = event.Folded, 0, 0, &f
	return e
}

// TestSums holds random streams to what must be true of each: the parts sum up to the
// whole, whatever was evicted, and the whole is what was sent.
func TestSums(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			stream := randomStream(seed, 20_000)
			sent := sentIn(stream)
			s := newStream()
			for len(stream) > 0 {
				n := min(len(stream), 19_999)
				s.Add(stream[:n])
				stream = stream[n:]
				requireConsistent(t, s.Snapshot(0))
			}
			snap := s.Snapshot(s.now.Add(2 * time.Minute))
			requireConsistent(t, snap)
			if snap.Totals.TimeWait() != 0 || snap.Totals.CloseWait != 0 || snap.Totals.SynSent != 0 {
				t.Errorf("left over: %+v", snap.Totals)
			}
			if len(s.buckets.held) != 0 {
				t.Errorf("buckets held: %v", s.buckets.held)
			}
			got := snap.Totals
			got.LifetimeP50, got.LifetimeP99, got.TimeWaitOther = 0, 0, 0
			if got != sent {
				t.Errorf("the whole is\n%+v, sent was\n%+v", got, sent)
			}
		})
	}
}

// sentIn counts a stream in the plainest way.
func sentIn(stream []event.Event) (t snapshot.Totals) {
	one := func(yes bool) uint64 {
		if yes {
			return 1
		}
		return 0
	}
	for i := range stream {
		e := &stream[i]
		switch f, _ := e.Fact.(*event.Fold); {
		case f != nil:
			t.Opens += f.Opens
			t.ClosesOut += f.ClosesOut
			t.TimeWaitEntered += f.TimeWaitOut
			t.Unlisted += f.Opens + f.ClosesOut
		case e.Kind == event.Open:
			t.Opens++
		case e.Kind == event.Close:
			t.ClosesOut += one(e.Direction == event.Out)
			t.ClosesIn += one(e.Direction == event.In)
			t.TimeWaitEntered += one(e.Flags.Has(event.TimeWait))
		case e.Kind == event.ConnectFail:
			t.ConnectFailures++
			t.FailedOpens += one(e.Flags.Has(event.HadPort))
		}
	}
	return t
}

func requireConsistent(t *testing.T, snap *snapshot.Snapshot) {
	t.Helper()
	requireSums(t, snap)
	whole := snap.Totals
	// Accepted connections and those whose destination is not known go nowhere.
	got, want := sumOfDestinations(snap), counted(whole)
	want.ClosesIn, want.TimeWaitIn, want.CloseWait, want.TimeWaitEntered = 0, 0, got.CloseWait, got.TimeWaitEntered
	if got != want {
		t.Errorf("the destinations sum up to\n%+v, want\n%+v", got, want)
	}
	if whole.Live() < 0 || whole.TimeWait() < 0 {
		t.Errorf("the whole is %+v", whole)
	}
}

// TestMemoryIsBounded measures what a storm of new keys leaves behind.
func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	s := of(randomStream(9, 20_000)...)
	s.Snapshot(s.now.Add(2 * time.Minute))
	if n := len(s.processes.rows); n > maxProcesses {
		t.Errorf("%d processes", n)
	}
	if n := len(s.dests.rows); n > maxDestinations {
		t.Errorf("%d destinations", n)
	}
	if n := len(s.pairs.rows); n > maxPairs {
		t.Errorf("%d pairs", n)
	}
	for i := range s.buckets.slots {
		if n := len(s.buckets.slots[i].held); n != 0 {
			t.Errorf("%d holders in slot %d", n, i)
		}
	}
}
