package pipeline

import (
	"context"
	"errors"
	"io"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/filter"
	"github.com/porttrace/porttrace/internal/snapshot"
)

const second = event.Time(time.Second)

// tape is a Source that says itself how far it has come. It ends with last, which comes
// alone.
type tape struct {
	batches []event.Batch
	last    error
	read    int
}

func (t *tape) Read(context.Context) (event.Batch, error) {
	if t.read >= len(t.batches) {
		return event.Batch{}, t.last
	}
	t.read++
	b := t.batches[t.read-1]
	return event.Batch{Events: slices.Clone(b.Events), Now: b.Now}, nil
}

func runTape(t *testing.T, batches []event.Batch, opts Options) *snapshot.Snapshot {
	t.Helper()
	snap, err := Aggregate(t.Context(), &tape{batches: batches, last: io.EOF}, opts)
	if err != nil {
		t.Fatal(err)
	}
	return snap
}

func until(now event.Time, events ...event.Event) event.Batch {
	return event.Batch{Events: events, Now: now}
}

func fact(at event.Time, kind event.Kind, f event.Fact) event.Event {
	return event.Event{Time: at, Kind: kind, Fact: f}
}

// socket is an event of a connection of the process.
func socket(at event.Time, kind event.Kind, p event.ProcID, flags event.Flags) event.Event {
	e := open(at, p)
	e.Kind, e.Flags, e.Netns = kind, flags, 7
	if kind == event.ConnectFail {
		e.Op, e.Errno = event.OpConnect, event.ECONNREFUSED
	}
	return e
}

// on puts the event on a local port: each connection has its own.
func on(port uint16, e event.Event) event.Event {
	e.Src.Port = port
	return e
}

// worldAt is what does not happen but is.
func worldAt(at event.Time) []event.Event {
	return []event.Event{
		fact(at, event.ClockAnchor, event.Clock{Mono: second, Wall: 1e18, Boot: int64(second)}),
		fact(at, event.HostKnown, &event.Host{Name: "web-1"}),
		fact(at, event.SignalsKnown, event.Signals{{Name: "open", Mode: event.Exact}}),
		fact(at, event.NetnsKnown, &event.Netns{Inode: 7, Name: "host", TimeWait: 3}),
		known(at, shop, "shop-api"), known(at, curl, "curl"),
	}
}

// busy makes each kind of thing happen, and leaves nothing open.
func busy(at event.Time) []event.Event {
	return []event.Event{
		socket(at, event.Open, shop, 0), socket(at, event.SynUnanswered, shop, 0), socket(at, event.SynAnswered, shop, 0),
		socket(at, event.EnterCloseWait, shop, 0), socket(at+1, event.Close, shop, event.InCloseWait),
		socket(at, event.Open, curl, 0), socket(at+2, event.ConnectFail, curl, event.HadPort),
		socket(at, event.Open, event.ProcID{}, 0), socket(at+2, event.Close, event.ProcID{}, 0),
		socket(at+3, event.Bind, shop, 0), socket(at+4, event.BindFail, shop, 0),
		fact(at+4, event.Notice, event.Text("look")),
		fact(at+4, event.Missing, &event.Gap{Begin: at + 4, End: at + 5}),
	}
}

// TestWindowIsARun: where nothing is open when the window begins, what it shows is what a
// run shows that begins there, and what it does not read after its end does not matter.
func TestWindowIsARun(t *testing.T) {
	t.Parallel()
	const from, to = 10 * second, 20 * second
	f, err := filter.Parse(filter.Request{Comm: []string{"shop-api", "curl"}})
	if err != nil {
		t.Fatal(err)
	}
	before := []event.Batch{
		until(second, worldAt(second)...),
		until(2*second, busy(2*second)...), until(2*second, busy(2*second)...),
		until(9 * second), until(from, busy(9*second)...), until(from),
	}
	within := []event.Batch{
		until(from+1, busy(from+1)...), until(12*second, busy(11*second)...), until(12 * second),
		until(to, append(busy(15*second), fact(16*second, event.HealthKnown, &event.Health{Events: 99, Lost: 1, Memory: 5}))...),
		until(to, busy(16*second)...),
	}
	after := []event.Batch{until(to+5, busy(to)...), until(30*second, busy(29*second)...)}
	for _, opts := range []Options{{}, {Filter: f}} {
		for _, tc := range []struct {
			name       string
			to         event.Time
			wide, like []event.Batch
		}{
			{"to the end", 0, slices.Concat(before, within, after), slices.Concat(within, after)},
			{"to a moment", to, slices.Concat(before, within, after), within},
			{"beyond the end", 60 * second, slices.Concat(before, within), within},
			{"between batches", to + second/2, slices.Concat(before, within, after[1:]), append(slices.Clone(within), until(to+second/2))},
		} {
			want := runTape(t, append([]event.Batch{until(from, worldAt(from)...)}, tc.like...), opts)
			windowed := opts
			windowed.From, windowed.To = from, tc.to
			if got := runTape(t, tc.wide, windowed); !reflect.DeepEqual(got, want) {
				t.Errorf("%s: got\n%+v, want\n%+v", tc.name, got, want)
			}
			if want.Totals.Opens == 0 || len(want.Failures) == 0 || want.Complete() {
				t.Errorf("%s: nothing happens: %+v", tc.name, want)
			}
		}
	}
}

// TestWindowKnowsWhatIs counts by hand what goes on from before a window.
func TestWindowKnowsWhatIs(t *testing.T) {
	t.Parallel()
	health := func(at event.Time, events, lost uint64) event.Event {
		return fact(at, event.HealthKnown, &event.Health{Events: events, Lost: lost, Memory: events})
	}
	batches := []event.Batch{
		until(second, worldAt(second)...),
		// Of four connections of the shop one ends at once and leaves a bucket, one is closed
		// by its peer, one gets no answer, one is used. curl only fails.
		until(
			5*second,
			on(1, socket(2*second, event.Open, shop, 0)), on(2, socket(2*second, event.Open, shop, 0)),
			on(3, socket(2*second, event.Open, shop, 0)), on(4, socket(2*second, event.Open, shop, 0)),
			on(1, socket(2*second, event.Close, shop, event.TimeWait)), on(2, socket(3*second, event.EnterCloseWait, shop, 0)),
			on(3, socket(3*second, event.SynUnanswered, shop, 0)), socket(4*second, event.ConnectFail, curl, 0), health(5*second, 9, 2),
		),
		// In the window the one of CLOSE_WAIT ends, and one begins.
		until(12*second, on(5, socket(11*second, event.Open, shop, 0)), on(2, socket(12*second, event.Close, shop, event.InCloseWait|event.TimeWait))),
		until(15*second, health(13*second, 11, 2)),
		// After it, all end.
		until(
			16*second,
			on(3, socket(16*second, event.ConnectFail, shop, event.HadPort|event.Unanswered)), on(4, socket(16*second, event.Close, shop, 0)),
			on(5, socket(16*second, event.Close, shop, 0)),
		),
	}
	var seen []event.Kind
	var flushed []event.Time
	snapshots := make(chan *snapshot.Snapshot, 1)
	snap := runTape(t, batches, Options{
		From: 10 * second, To: 15 * second, Snapshots: snapshots, Every: time.Hour,
		Tee:        func(e *event.Event, _ *event.World) error { seen = append(seen, e.Kind); return nil },
		AfterBatch: func(now event.Time) error { flushed = append(flushed, now); return nil },
	})
	want := snapshot.Totals{
		LiveBefore: 3, Opens: 1, ClosesOut: 1, TimeWaitEntered: 1, TimeWaitOut: 2, TimeWaitOther: 1, SynSent: 1,
	}
	if snap.Totals != want || snap.Totals.Live() != 3 {
		t.Errorf("got %+v, %d live, want %+v, 3 live", snap.Totals, snap.Totals.Live(), want)
	}
	want.TimeWaitOther = 0
	if len(snap.Processes) != 1 || snap.Processes[0].Info.Comm != "shop-api" || snap.Processes[0].Totals != want {
		t.Errorf("processes %+v", snap.Processes)
	}
	if len(snap.Failures) != 0 || snap.Health != (event.Health{Events: 2, Memory: 11}) || !snap.Complete() {
		t.Errorf("%d failures, health %+v", len(snap.Failures), snap.Health)
	}
	if snap.At != 15*second || snap.Elapsed != 5*time.Second || snap.Started.UnixNano() != 1e18+9e9 {
		t.Errorf("%s to %d, since %s", snap.Elapsed, snap.At, snap.Started)
	}
	if kinds := []event.Kind{event.Open, event.Close, event.HealthKnown}; !slices.Equal(seen, kinds) {
		t.Errorf("the tee has seen %v", seen)
	}
	// The last is the end of the window.
	if ends := []event.Time{12 * second, 15 * second, 15 * second}; !slices.Equal(flushed, ends) {
		t.Errorf("batches ended at %v, want %v", flushed, ends)
	}
	if s := <-snapshots; s.At != 12*second || s.Totals.Opens != 1 {
		t.Errorf("the first snapshot is of %d: %+v", s.At, s.Totals)
	}
}

func TestWindowBounds(t *testing.T) {
	t.Parallel()
	stream := []event.Batch{until(5*second, open(5*second, shop)), until(6*second, open(6*second, shop)), until(7*second, open(7*second, shop))}
	facts := []event.Batch{until(5*second, worldAt(5*second)...)}
	broken := errors.New("broken")
	for _, tc := range []struct {
		name     string
		stream   []event.Batch
		last     error
		from, to event.Time
		opens    uint64
		live     int64
		elapsed  time.Duration
		at       event.Time
		want     error
	}{
		{"all", stream, io.EOF, 0, 0, 3, 3, 2 * time.Second, 7 * second, nil},
		{"from the beginning", stream, io.EOF, 1, 0, 3, 3, 7*time.Second - 1, 7 * second, nil},
		{"to the end", stream, io.EOF, 0, 7 * second, 3, 3, 2 * time.Second, 7 * second, nil},
		{"one batch", stream, io.EOF, 5 * second, 6 * second, 1, 2, time.Second, 6 * second, nil},
		{"between batches", stream, io.EOF, 5*second + 1, 6*second + 1, 1, 2, time.Second, 6*second + 1, nil},
		{"from the end", stream, io.EOF, 7 * second, 0, 0, 3, 0, 7 * second, nil},
		{"after the end", stream, io.EOF, 9 * second, 10 * second, 0, 3, 0, 9 * second, nil},
		{"before the beginning", stream, io.EOF, 1, 2, 0, 0, 1, 2, nil},
		{"backwards", stream, io.EOF, 6 * second, 5 * second, 0, 1, 0, 6 * second, nil},
		{"facts only", facts, io.EOF, 6 * second, 0, 0, 0, 0, 6 * second, nil},
		{"nothing", nil, io.EOF, second, 2 * second, 0, 0, 0, second, nil},
		{"broken within", stream, broken, 5 * second, 9 * second, 2, 3, 2 * time.Second, 7 * second, broken},
		{"broken beyond", stream, broken, 5 * second, 6 * second, 1, 2, time.Second, 6 * second, nil},
	} {
		snap, err := Aggregate(t.Context(), &tape{batches: tc.stream, last: tc.last}, Options{From: tc.from, To: tc.to})
		if !errors.Is(err, tc.want) || tc.want == nil && err != nil {
			t.Errorf("%s: error %v", tc.name, err)
		}
		if snap.Totals.Opens != tc.opens || snap.Totals.Live() != tc.live || snap.Elapsed != tc.elapsed || snap.At != tc.at {
			t.Errorf("%s: %d opens, %d live, %s to %d", tc.name, snap.Totals.Opens, snap.Totals.Live(), snap.Elapsed, snap.At)
		}
	}
}

// TestWindowAndGaps: a window in which something is missing says so, though only what
// comes after the gap reports it.
func TestWindowAndGaps(t *testing.T) {
	t.Parallel()
	missing := fact(6*second, event.Missing, &event.Gap{Begin: 4 * second, End: 6 * second})
	stream := []event.Batch{until(4*second, opens(4)...), until(6*second, missing, open(6*second, shop)), until(9 * second)}
	for _, tc := range []struct {
		name     string
		from, to event.Time
		complete bool
	}{
		{"all", 0, 0, false},
		{"before", second, 4 * second, true},
		{"into it", second, 5 * second, false},
		{"within", 4*second + 1, 5 * second, false},
		{"out of it", 5 * second, 0, false},
		{"over it", second, 8 * second, false},
		{"after", 6 * second, 0, true},
	} {
		snap := runTape(t, stream, Options{From: tc.from, To: tc.to})
		if snap.Complete() != tc.complete || tc.to != 0 && snap.At != tc.to {
			t.Errorf("%s: complete is %v at %d", tc.name, snap.Complete(), snap.At)
		}
	}
}
