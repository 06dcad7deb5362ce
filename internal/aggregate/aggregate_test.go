package aggregate

import (
	"fmt"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/portspace"
	"github.com/porttrace/porttrace/internal/snapshot"
)

const (
	begin = event.Time(1000 * time.Second)
	inode = 4026531833
)

var (
	shop   = event.ProcID{PID: 100, Start: 1}
	nginx  = event.ProcID{PID: 200, Start: 2}
	worker = event.ProcID{PID: 201, Start: 3}
	web    = endpoint("10.0.0.2:80")
	mail   = endpoint("[fd00::25]:25")
)

func endpoint(s string) event.Endpoint {
	ap := netip.MustParseAddrPort(s)
	return event.Endpoint{Addr: event.AddrFrom(ap.Addr()), Port: ap.Port()}
}

// with is an outgoing TCP event at the beginning, changed.
func with(kind event.Kind, change func(*event.Event)) event.Event {
	e := event.Event{
		Time: begin, Kind: kind, Direction: event.Out, Proto: event.TCP, Netns: inode, Proc: shop,
		Src: endpoint("10.0.0.1:40000"), Dst: web, Count: 1,
	}
	if change != nil {
		change(&e)
	}
	return e
}

// inbound is the same of a connection to nginx that a worker has accepted.
func inbound(kind event.Kind, change func(*event.Event)) event.Event {
	return with(kind, func(e *event.Event) {
		e.Direction, e.Proc, e.Listener = event.In, worker, nginx
		e.Src, e.Dst = endpoint("10.0.0.1:80"), endpoint("10.0.0.9:51000")
		if change != nil {
			change(e)
		}
	})
}

func fold(f event.Fold, change func(*event.Event)) event.Event {
	return with(event.Folded, func(e *event.Event) {
		e.Count, e.Fact = 0, &f
		if change != nil {
			change(e)
		}
	})
}

func kernelCount(n int64) event.Event {
	return event.Event{Time: begin, Kind: event.NetnsKnown, Fact: &event.Netns{Inode: inode, Name: "host", TimeWait: n}}
}

func flagged(f event.Flags) func(*event.Event) { return func(e *event.Event) { e.Flags |= f } }

func after(d time.Duration, e event.Event) event.Event {
	e.Time = e.Time.Add(d)
	return e
}

func notSelected(e event.Event) event.Event {
	e.Flags |= event.NotSelected
	return e
}

// stream is a State with the world and the table that it reads, fed as the pipeline does.
type stream struct {
	*State
	world *event.World
	table *portspace.Table
}

func newStream() *stream { return newStreamOf(portspace.New(portspace.Limit)) }

func newStreamOf(table *portspace.Table) *stream {
	world := &event.World{}
	return &stream{New(world, table), world, table}
}

func of(events ...event.Event) *stream {
	s := newStream()
	s.Add(events)
	return s
}

func (s *stream) Add(events []event.Event) {
	for i := range events {
		e := &events[i]
		s.Advance(e.Time)
		s.world.Apply(e)
		s.table.Add(e)
		s.State.Add(e)
	}
}

func (s *stream) Snapshot(at event.Time, focus ...snapshot.SpaceID) *snapshot.Snapshot {
	return s.State.Snapshot(at, focus...)
}

func processOf(t *testing.T, snap *snapshot.Snapshot, id event.ProcID) snapshot.Process {
	t.Helper()
	for _, p := range snap.Processes {
		if p.Info.ID == id {
			return p
		}
	}
	t.Fatalf("process %v has no row", id)
	return snapshot.Process{}
}

// TestTotals checks the whole, its process, its destination and its pair, which count
// the same when there is only one of each.
func TestTotals(t *testing.T) {
	t.Parallel()
	failure := func(e *event.Event) {
		e.Op, e.Errno, e.Reason = event.OpConnect, event.EADDRNOTAVAIL, event.RangeExhausted
	}
	for _, tc := range []struct {
		name   string
		events []event.Event
		want   snapshot.Totals
		live   int64
	}{
		{"open", []event.Event{with(event.Open, nil), with(event.Open, nil)}, snapshot.Totals{Opens: 2}, 2},
		{
			"close",
			[]event.Event{with(event.Open, nil), with(event.Open, nil), with(event.Close, func(e *event.Event) { e.Duration = 4_000_000 })},
			snapshot.Totals{Opens: 2, ClosesOut: 1, LifetimeP50: 3840 * time.Microsecond, LifetimeP99: 3840 * time.Microsecond},
			1,
		},
		{
			"no port",
			[]event.Event{with(event.ConnectFail, failure)},
			snapshot.Totals{ConnectFailures: 1},
			0,
		},
		{
			"refused",
			[]event.Event{with(event.Open, nil), with(event.ConnectFail, flagged(event.HadPort))},
			snapshot.Totals{Opens: 1, ConnectFailures: 1, FailedOpens: 1},
			0,
		},
		{
			"folded failures",
			[]event.Event{
				fold(event.Fold{Opens: 70}, nil),
				with(event.ConnectFail, func(e *event.Event) { e.Count, e.Flags = 70, event.HadPort }),
			},
			snapshot.Totals{Opens: 70, ConnectFailures: 70, FailedOpens: 70, Unlisted: 70},
			0,
		},
		{
			"fold",
			[]event.Event{fold(event.Fold{Opens: 9, ClosesOut: 5, TimeWaitOut: 4, ResetsOut: 1, EnterSynSent: 3, LeaveSynSent: 1, EnterCloseWait: 2}, nil)},
			snapshot.Totals{Opens: 9, ClosesOut: 5, ResetsOut: 1, Unlisted: 14, TimeWaitEntered: 4, TimeWaitOut: 4, SynSent: 2, CloseWait: 2},
			4,
		},
		{
			"TIME_WAIT",
			[]event.Event{with(event.Open, nil), with(event.Close, flagged(event.TimeWait)), with(event.Open, from(40001)), with(event.Close, all(from(40001), flagged(event.FinWait2)))},
			snapshot.Totals{Opens: 2, ClosesOut: 2, TimeWaitEntered: 2, TimeWaitOut: 2},
			0,
		},
		{
			"CLOSE_WAIT",
			[]event.Event{with(event.Open, nil), with(event.Open, nil), with(event.EnterCloseWait, nil), with(event.EnterCloseWait, nil), with(event.Close, flagged(event.InCloseWait))},
			snapshot.Totals{Opens: 2, ClosesOut: 1, CloseWait: 1},
			1,
		},
		{
			"SYN_SENT, answered",
			[]event.Event{with(event.Open, nil), with(event.SynUnanswered, nil), with(event.SynAnswered, nil)},
			snapshot.Totals{Opens: 1},
			1,
		},
		{
			"SYN_SENT, timed out",
			[]event.Event{with(event.Open, nil), with(event.SynUnanswered, nil), with(event.ConnectFail, flagged(event.HadPort|event.Unanswered))},
			snapshot.Totals{Opens: 1, ConnectFailures: 1, FailedOpens: 1},
			0,
		},
		{
			"SYN_SENT, given up",
			[]event.Event{with(event.Open, nil), with(event.SynUnanswered, nil), with(event.Close, flagged(event.Unanswered))},
			snapshot.Totals{Opens: 1, ClosesOut: 1},
			0,
		},
		{
			"SYN_SENT, two of three left as a fold",
			[]event.Event{
				fold(event.Fold{Opens: 3, EnterSynSent: 3}, nil),
				with(event.ConnectFail, func(e *event.Event) { e.Count, e.Flags = 2, event.HadPort }),
				fold(event.Fold{LeaveSynSent: 2}, nil),
			},
			snapshot.Totals{Opens: 3, ConnectFailures: 2, FailedOpens: 2, SynSent: 1, Unlisted: 3},
			1,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			snap := of(tc.events...).Snapshot(begin)
			for who, got := range map[string]snapshot.Totals{
				"total": snap.Totals, "process": snap.Processes[0].Totals, "destination": snap.Destinations[0].Totals,
				"destination of the process": snap.Processes[0].Destinations[0].Totals,
				"process of the destination": snap.Destinations[0].Processes[0].Totals,
			} {
				want := tc.want
				if who != "total" {
					want.TimeWaitOther = 0
				}
				if want.ClosesOut > 0 && want.LifetimeP50 == 0 {
					got.LifetimeP50, got.LifetimeP99 = 0, 0
				}
				if got != want || got.Live() != tc.live {
					t.Errorf("%s: got %+v, live %d\nwant %+v, live %d", who, got, got.Live(), want, tc.live)
				}
			}
		})
	}
}

// TestWithoutDestination is of what has no remote end that this host chose.
func TestWithoutDestination(t *testing.T) {
	t.Parallel()
	snap := of(
		with(event.Bind, func(e *event.Event) { e.Direction, e.Dst = event.Unknown, event.Endpoint{} }),
		with(event.BindFail, func(e *event.Event) { e.Direction, e.Dst, e.Op = event.Unknown, event.Endpoint{}, event.OpBind }),
		with(event.Close, func(e *event.Event) { e.Direction, e.Flags = event.Unknown, event.TimeWait }),
		inbound(event.Close, func(e *event.Event) { e.Proc = shop }),
	).Snapshot(begin)
	want := snapshot.Totals{Binds: 1, BindFailures: 1, ClosesUnknown: 1, ClosesIn: 1, TimeWaitEntered: 1}
	if len(snap.Destinations) != 0 || len(snap.Processes) != 1 || snap.Totals != want || snap.Processes[0].Totals != want {
		t.Errorf("got %+v of %+v, %d destinations", snap.Totals, snap.Processes, len(snap.Destinations))
	}
	if live := snap.Totals.Live(); live != 0 {
		t.Errorf("an accepted connection made %d live", live)
	}
}

// TestNotSelected shows that a filter narrows processes and the whole, not a destination.
func TestNotSelected(t *testing.T) {
	t.Parallel()
	s := of(
		with(event.Open, nil),
		notSelected(with(event.Open, func(e *event.Event) { e.Proc, e.Src.Port = worker, 40001 })),
		notSelected(fold(event.Fold{Opens: 5, ClosesOut: 5, TimeWaitOut: 5}, func(e *event.Event) { e.Proc = worker })),
		notSelected(with(event.ConnectFail, func(e *event.Event) { e.Proc, e.Op = worker, event.OpConnect })),
		notSelected(with(event.Open, func(e *event.Event) { e.Proc, e.Dst = worker, mail })),
		notSelected(with(event.BindFail, func(e *event.Event) { e.Proc, e.Dst, e.Op = worker, event.Endpoint{}, event.OpBind })),
		notSelected(inbound(event.Close, nil)),
	)
	snap := s.Snapshot(begin)
	if want := (snapshot.Totals{Opens: 1}); snap.Totals != want || len(snap.Processes) != 1 || snap.Processes[0].Totals != want {
		t.Errorf("got %+v", snap.Totals)
	}
	if len(snap.Failures) != 0 {
		t.Errorf("%d failures that are not selected", len(snap.Failures))
	}
	want := snapshot.Totals{Opens: 7, ClosesOut: 5, Unlisted: 10, TimeWaitEntered: 5, TimeWaitOut: 5, ConnectFailures: 1}
	if len(snap.Destinations) != 1 || snap.Destinations[0].Totals != want || len(snap.Destinations[0].Processes) != 1 {
		t.Errorf("got %+v, want one of %+v", snap.Destinations, want)
	}
}

// TestFilterAndCloseWaitIn is of a filter that selects one of the two that an accepted
// connection belongs to. Its CLOSE_WAIT is the listener's.
func TestFilterAndCloseWaitIn(t *testing.T) {
	t.Parallel()
	entered := inbound(event.EnterCloseWait, func(e *event.Event) { e.Proc = nginx })
	left := inbound(event.Close, flagged(event.InCloseWait))
	folded := func(e event.Event, f event.Fold) event.Event {
		e.Kind, e.Fact, e.Count = event.Folded, &f, 0
		return e
	}
	for _, tc := range []struct {
		name   string
		events []event.Event
		total  int64
	}{
		{"no filter", []event.Event{entered, entered, left}, 1},
		{"the listener", []event.Event{entered, entered, notSelected(left)}, 1},
		{"the worker", []event.Event{notSelected(entered), notSelected(entered), left}, 0},
		{"neither", []event.Event{notSelected(entered), notSelected(left)}, 0},
		{"folded", []event.Event{folded(entered, event.Fold{EnterCloseWait: 5}), left, folded(left, event.Fold{ClosesIn: 2, LeaveCloseWait: 2})}, 2},
		{"folded entry last", []event.Event{inbound(event.Close, func(e *event.Event) { e.Proc = nginx }), left, folded(entered, event.Fold{EnterCloseWait: 1})}, 0},
	} {
		snap := of(tc.events...).Snapshot(begin)
		if snap.Totals.CloseWait != tc.total {
			t.Errorf("%s: CLOSE_WAIT is %d, want %d", tc.name, snap.Totals.CloseWait, tc.total)
		}
		for _, p := range snap.Processes {
			want := int64(0)
			if p.Info.ID == nginx {
				want = tc.total
			}
			if p.CloseWait != want {
				t.Errorf("%s: %v has %d in CLOSE_WAIT, want %d", tc.name, p.Info.ID, p.CloseWait, want)
			}
		}
	}
}

func TestBucketsExpire(t *testing.T) {
	t.Parallel()
	s := of(
		with(event.Close, flagged(event.TimeWait)),
		after(30*time.Second, inbound(event.Close, flagged(event.TimeWait))),
		after(30*time.Second, fold(event.Fold{ClosesOut: 10, TimeWaitOut: 10}, nil)),
	)
	for _, tc := range []struct {
		at      time.Duration
		out, in int64
	}{
		{30 * time.Second, 11, 1},
		{61*time.Second - 1, 11, 1},
		{61 * time.Second, 10, 1}, // what the table of sockets holds expires when it does there
		{92*time.Second - 1, 10, 1},
		{92 * time.Second, 0, 0},
		{time.Hour, 0, 0},
	} {
		snap := s.Snapshot(begin.Add(tc.at))
		if snap.Totals.TimeWaitOut != tc.out || snap.Totals.TimeWaitIn != tc.in {
			t.Errorf("at %s: %d out, %d in, want %d, %d", tc.at, snap.Totals.TimeWaitOut, snap.Totals.TimeWaitIn, tc.out, tc.in)
		}
		if p := processOf(t, snap, shop); p.TimeWaitOut != tc.out || p.TimeWaitIn != 0 {
			t.Errorf("at %s: the client has %d out", tc.at, p.TimeWaitOut)
		}
		if p := processOf(t, snap, worker); p.TimeWaitIn != tc.in || p.TimeWaitOut != 0 {
			t.Errorf("at %s: the server has %d in", tc.at, p.TimeWaitIn)
		}
	}
	if snap := s.Snapshot(begin); snap.Totals.TimeWaitEntered != 12 || snap.At != begin.Add(time.Hour) {
		t.Errorf("%d entered at %d", snap.Totals.TimeWaitEntered, snap.At)
	}
	// Reported more than a minute late, it is counted and has expired.
	s.Add([]event.Event{with(event.Close, flagged(event.TimeWait))})
	if snap := s.Snapshot(begin); snap.Totals.TimeWaitEntered != 13 || snap.Totals.TimeWaitOut != 0 {
		t.Errorf("a late bucket: %+v", snap.Totals)
	}
}

// TestBucketsTrim is of the kernel's own count, which takes the oldest away.
func TestBucketsTrim(t *testing.T) {
	t.Parallel()
	s := of(
		kernelCount(7), // from before the start
		with(event.Close, flagged(event.TimeWait)),
		with(event.Close, func(e *event.Event) { e.Proc, e.Flags, e.Src.Port = worker, event.TimeWait, 40001 }),
		after(2*time.Second, with(event.Close, all(from(40002), flagged(event.TimeWait)))),
		with(event.Close, func(e *event.Event) { e.Netns, e.Flags = 7, event.TimeWait }), // elsewhere
	)
	check := func(what string, shopOut, workerOut, other int64) {
		t.Helper()
		snap := s.Snapshot(begin)
		gotShop, gotWorker := processOf(t, snap, shop).TimeWaitOut, processOf(t, snap, worker).TimeWaitOut
		if gotShop != shopOut || gotWorker != workerOut || snap.Totals.TimeWaitOther != other || snap.Totals.TimeWaitOut != shopOut+workerOut {
			t.Errorf("%s: %d, %d and %d others of %d, want %d, %d, %d", what, gotShop, gotWorker, snap.Totals.TimeWaitOther,
				snap.Totals.TimeWaitOut, shopOut, workerOut, other)
		}
	}
	check("before", 3, 1, 4)
	s.Add([]event.Event{kernelCount(10)})
	check("ten in all", 3, 1, 7)
	s.Add([]event.Event{kernelCount(2)})
	check("the oldest has gone", 2, 1, 0)
	s.Add([]event.Event{kernelCount(1)})
	check("the next has gone", 2, 0, 0)
	s.Add([]event.Event{kernelCount(0)})
	check("none here", 1, 0, 0)
	s.Add([]event.Event{kernelCount(5), kernelCount(-1)})
	check("it cannot be read", 1, 0, 0)
	s.Snapshot(begin.Add(time.Hour))
	check("an hour later", 0, 0, 0)
	if len(s.buckets.held) != 0 {
		t.Errorf("held in %v", s.buckets.held)
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	s := of(
		event.Event{Time: begin, Kind: event.ClockAnchor, Fact: event.Clock{Mono: begin, Wall: 1e18, Boot: int64(begin)}},
		event.Event{Time: begin, Kind: event.ProcessKnown, Fact: &event.Process{ID: shop, Comm: "shop-api"}},
		after(4*time.Second, with(event.ConnectFail, func(e *event.Event) {
			e.Op, e.Errno, e.Reason, e.Src.Port = event.OpConnect, event.EADDRNOTAVAIL, event.RangeExhausted, 0
		})),
		after(5*time.Second, with(event.ConnectFail, func(e *event.Event) {
			e.Op, e.Errno, e.Reason, e.Src.Port = event.OpConnect, event.EADDRNOTAVAIL, event.RangeExhausted, 0
			e.Count, e.First, e.Last = 9, begin.Add(2*time.Second), begin.Add(5*time.Second)
		})),
		after(5*time.Second, with(event.BindFail, func(e *event.Event) {
			e.Op, e.Errno, e.Reason, e.Inferred = event.OpListen, event.EADDRINUSE, event.PortTaken, event.FieldErrno
			e.Src, e.Dst, e.Direction = event.Endpoint{Port: 443}, event.Endpoint{}, event.Unknown
		})),
	)
	wall := func(after time.Duration) time.Time { return time.Unix(0, 1e18).Add(after).UTC() }
	proc := event.Process{ID: shop, Comm: "shop-api"}
	want := []snapshot.Failure{
		{
			Proc: proc, Netns: inode, Proto: event.TCP, Op: event.OpConnect, Errno: event.EADDRNOTAVAIL, Reason: event.RangeExhausted,
			Target: web, Local: endpoint("10.0.0.1:0"), Count: 10, Rate: 2, First: wall(2 * time.Second), Last: wall(5 * time.Second),
		},
		{
			Proc: proc, Netns: inode, Proto: event.TCP, Op: event.OpListen, Errno: event.EADDRINUSE, Reason: event.PortTaken,
			Inferred: event.FieldErrno, Target: event.Endpoint{Port: 443}, Count: 1, Rate: 0.2,
			First: wall(5 * time.Second), Last: wall(5 * time.Second),
		},
	}
	snap := s.Snapshot(begin.Add(6 * time.Second))
	// The window of five seconds begins with a whole one: it is 4 s long here.
	for i := range want {
		want[i].Rate *= 5.0 / 4
	}
	if !reflect.DeepEqual(snap.Failures, want) {
		t.Errorf("got  %+v\nwant %+v", snap.Failures, want)
	}
	if snap.Totals.ConnectFailures != 10 || snap.Totals.BindFailures != 1 {
		t.Errorf("totals %+v", snap.Totals)
	}
}

func TestFacts(t *testing.T) {
	t.Parallel()
	clock := event.Clock{Mono: begin, Wall: 1e18, Boot: int64(begin)}
	s := of(
		event.Event{Time: begin, Kind: event.ClockAnchor, Fact: clock},
		event.Event{Time: begin, Kind: event.HostKnown, Fact: &event.Host{Name: "web-1"}},
		event.Event{Time: begin, Kind: event.SignalsKnown, Fact: event.Signals{{Name: "open", Mode: event.Exact}}},
		event.Event{Time: begin, Kind: event.HealthKnown, Fact: &event.Health{Events: 7, Unattributed: 99}},
		kernelCount(0),
		with(event.Open, func(e *event.Event) { e.Proc = event.ProcID{} }),
		with(event.Open, nil),
		// The name can come after the first event.
		event.Event{Time: begin, Kind: event.ProcessKnown, Fact: &event.Process{ID: shop, Comm: "shop-api"}},
	)
	for i := range maxNotices + 3 {
		s.Add([]event.Event{{Time: begin.Add(time.Second), Kind: event.Notice, Fact: event.Text(fmt.Sprint(i))}})
	}
	snap := s.Snapshot(begin.Add(2 * time.Second))
	if snap.Host.Name != "web-1" || len(snap.Signals) != 1 || snap.Clock != clock || snap.Elapsed != 2*time.Second {
		t.Errorf("got %+v", snap)
	}
	if snap.Wall.UnixNano() != 1e18+2e9 || snap.Started.UnixNano() != 1e18 {
		t.Errorf("from %s to %s", snap.Started, snap.Wall)
	}
	if snap.Health != (event.Health{Events: 7, Unattributed: 1}) {
		t.Errorf("health %+v", snap.Health)
	}
	if len(snap.Notices) != maxNotices || snap.Notices[0].Text != "3" || snap.Notices[0].At.UnixNano() != 1e18+1e9 {
		t.Errorf("notices %+v", snap.Notices)
	}
	if p := processOf(t, snap, shop); p.Info.Comm != "shop-api" || p.Destinations[0].Comm != "shop-api" || p.Destinations[0].NetnsName != "host" {
		t.Errorf("got %+v", p)
	}
}

// TestSocketLimit: a snapshot says that there are more sockets than are followed.
func TestSocketLimit(t *testing.T) {
	t.Parallel()
	s := newStreamOf(portspace.New(2))
	for i, want := range []int{0, 2, 2} {
		s.Add([]event.Event{with(event.Open, func(e *event.Event) { e.Src.Port = uint16(40_000 + i) })})
		if got := s.Snapshot(0).SocketLimit; got != want {
			t.Errorf("%d sockets: limit %d, want %d", i+1, got, want)
		}
	}
}
