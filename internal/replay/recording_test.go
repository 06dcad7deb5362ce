package replay

import (
	"cmp"
	"context"
	"io"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// film is a Recording of batches.
type film struct {
	batches []event.Batch
	pieces  []event.Span
	read    func(n int) error // before each batch
	n       int
	reads   int
	rewinds int
	buffer  []event.Event
}

// pieceLength is how many batches make a piece of the timeline.
const pieceLength = 8

func newFilm(batches ...event.Batch) *film {
	f := &film{batches: batches}
	for piece := range slices.Chunk(batches, pieceLength) {
		s := event.Span{Begin: at(0), End: piece[len(piece)-1].Now}
		if n := len(f.pieces); n > 0 {
			s.Begin = f.pieces[n-1].End
		}
		for _, b := range piece {
			s.Failures += failures(b.Events)
		}
		f.pieces = append(f.pieces, s)
	}
	return f
}

func failures(events []event.Event) (n uint64) {
	for _, e := range events {
		if e.Kind == event.ConnectFail || e.Kind == event.BindFail {
			n += max(e.Count, 1)
		}
	}
	return n
}

func (f *film) Read(ctx context.Context) (event.Batch, error) {
	if f.read != nil {
		if err := f.read(f.n); err != nil {
			return event.Batch{}, err
		}
	}
	if f.n >= len(f.batches) {
		return event.Batch{}, io.EOF
	}
	f.reads++
	b := f.batches[f.n]
	f.n++
	// Events are valid until the next Read only.
	clear(f.buffer[:cap(f.buffer)])
	f.buffer = append(f.buffer[:0], b.Events...)
	return event.Batch{Events: f.buffer, Now: b.Now}, ctx.Err()
}

func (f *film) Rewind() error {
	f.n = 0
	f.rewinds++
	return nil
}

func (f *film) Position() uint64 { return uint64(f.n) }

func (f *film) GoTo(_ context.Context, position uint64) error {
	f.n = int(position)
	return nil
}

// fork is another reader of the same.
func (f *film) fork() *film { return &film{batches: f.batches, pieces: f.pieces} }

func (f *film) Events() (n int) {
	for _, b := range f.batches {
		n += len(b.Events)
	}
	return n
}
func (f *film) Timeline() []event.Span { return f.pieces }
func (f *film) Clock() event.Clock     { return event.Clock{Mono: 1, Wall: 2, Boot: 3} }

var (
	shop = event.ProcID{PID: 100, Start: 1}
	curl = event.ProcID{PID: 200, Start: 2}
)

func open(at event.Time, p event.ProcID) event.Event {
	return event.Event{
		Time: at, Kind: event.Open, Direction: event.Out, Proto: event.TCP, Proc: p, Count: 1,
		Src: event.Endpoint{Port: 40000}, Dst: event.Endpoint{Port: 80},
	}
}

func known(at event.Time, id event.ProcID, comm string) event.Event {
	return event.Event{Time: at, Kind: event.ProcessKnown, Fact: &event.Process{ID: id, Comm: comm}}
}

// at is a moment of the tests' recordings, which begin at one second.
func at(since time.Duration) event.Time { return event.Time(time.Second + since) }

// ticking is a recording with an open in each 50 ms, in batches of that length.
func ticking(length time.Duration) *film {
	const every = 50 * time.Millisecond
	batches := []event.Batch{{Events: []event.Event{known(at(0), shop, "shop-api")}, Now: at(0)}}
	for d := every; d <= length; d += every {
		batches = append(batches, event.Batch{Events: []event.Event{open(at(d-every/2), shop)}, Now: at(d)})
	}
	return newFilm(batches...)
}

// failing makes a connect() of the process fail just before the batch that ends at a moment.
func (f *film) failing(end time.Duration, p event.ProcID) {
	i := slices.IndexFunc(f.batches, func(b event.Batch) bool { return b.Now == at(end) })
	e := event.Event{Time: at(end) - 1, Kind: event.ConnectFail, Proto: event.TCP, Proc: p, Count: 3, Op: event.OpConnect}
	f.batches[i].Events = append(f.batches[i].Events, e)
	f.pieces[i/pieceLength].Failures += 3
}

// eventful is a recording in which everything happens that a state remembers for a
// while: backlogs that end, corrections of them, rates, failures, late events, and
// pauses longer than any of that.
func eventful(random *rand.Rand, batches int) *film {
	now := at(time.Second) // nothing is known at the begin
	list := []event.Batch{{Events: []event.Event{
		{Time: now, Kind: event.ClockAnchor, Fact: event.Clock{Mono: now, Wall: 1e18, Boot: 5}},
		{Time: now, Kind: event.HostKnown, Fact: &event.Host{Name: "box"}},
		known(now, shop, "shop-api"), known(now, curl, "curl"),
	}, Now: now.Add(time.Millisecond)}}
	for range batches {
		before := list[len(list)-1].Now
		now := before
		switch random.IntN(20) {
		case 0: // the same again: a long batch comes in pieces
		case 1:
			now = now.Add(time.Duration(random.IntN(150)) * time.Second)
		default:
			now = now.Add(time.Duration(random.IntN(1500)) * time.Millisecond)
		}
		begin := max(before, now.Add(-1500*time.Millisecond)) // after a silence
		var events []event.Event
		for range random.IntN(20) {
			late := time.Duration(random.IntN(3)/2) * time.Second
			e := anything(random, begin+event.Time(random.Int64N(int64(now-begin)+1))-event.Time(late))
			events = append(events, e)
		}
		// A stream is in order, but for events that are late by a second at most.
		slices.SortStableFunc(events, func(a, b event.Event) int { return cmp.Compare(a.Time, b.Time) })
		list = append(list, event.Batch{Events: events, Now: now})
	}
	return newFilm(list...)
}

func anything(random *rand.Rand, when event.Time) event.Event {
	e := open(when, []event.ProcID{shop, curl, {}}[random.IntN(3)])
	e.Netns = 7
	e.Dst.Port += uint16(random.IntN(3))
	switch random.IntN(10) {
	case 0, 1, 2:
	case 3, 4, 5:
		e.Kind, e.Flags, e.Duration = event.Close, event.TimeWait, uint64(random.IntN(1e9))
	case 6:
		e.Kind, e.Op, e.Errno, e.Count = event.ConnectFail, event.OpConnect, 111, 2
	case 7:
		e.Kind, e.Op, e.Errno = event.BindFail, event.OpBind, 98
	case 8:
		e.Kind, e.Fact = event.Folded, &event.Fold{Opens: 4, ClosesOut: 3, TimeWaitOut: 3, EnterCloseWait: 1}
	case 9:
		e = event.Event{Time: when, Kind: event.NetnsKnown, Fact: &event.Netns{Inode: 7, TimeWait: random.Int64N(40)}}
	}
	return e
}
