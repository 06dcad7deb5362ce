package record

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/pipeline"
)

// memory is Storage in memory.
type memory struct{ bytes.Buffer }

func (*memory) Sync() error              { return nil }
func (m *memory) Truncate(n int64) error { m.Buffer.Truncate(int(n)); return nil }

type batch struct {
	events []event.Event
	now    event.Time
}

// write records the batches.
func write(t testing.TB, batches []batch) []byte {
	t.Helper()
	var to memory
	w, err := NewWriter(&to, 0)
	if err != nil {
		t.Fatal(err)
	}
	var world event.World
	for _, b := range batches {
		for i := range b.events {
			world.Apply(&b.events[i])
			if err := w.Add(&b.events[i], &world); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.EndBatch(b.now); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return to.Bytes()
}

func reader(t testing.TB, file []byte) *Reader {
	t.Helper()
	r, err := NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// read is all that a source gives, with how far the stream came with each event.
func read(t testing.TB, source pipeline.Source) (events []event.Event, now event.Time) {
	t.Helper()
	for {
		b, err := source.Read(context.Background())
		if b.Now < now {
			t.Fatalf("the stream goes back from %d to %d", now, b.Now)
		}
		events, now = append(events, b.Events...), b.Now
		if errors.Is(err, io.EOF) {
			return events, now
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// random fills every field of an event.
func random(rnd *rand.Rand, at event.Time) event.Event {
	endpoint := func() (e event.Endpoint) {
		if rnd.IntN(4) > 0 {
			e.Addr[10], e.Addr[11], e.Addr[15] = 0xff, 0xff, byte(rnd.IntN(4))
		}
		e.Port = uint16(rnd.IntN(1 << 16))
		return e
	}
	id := func() event.ProcID {
		return event.ProcID{PID: uint32(rnd.IntN(5)), Start: uint64(rnd.IntN(2))}
	}
	maybe := func() uint64 {
		if rnd.IntN(2) == 0 {
			return 0
		}
		return rnd.Uint64() >> rnd.IntN(64)
	}
	e := event.Event{
		Time: at, Kind: event.Kind(rnd.IntN(int(event.Listen)) + 1), State: event.State(rnd.IntN(12)), Device: uint32(rnd.IntN(3)),
		SocketRange: event.PortRange{Low: uint16(maybe()), High: uint16(maybe())}, Direction: event.Direction(rnd.IntN(3)),
		Proto: event.TCP, Op: event.Op(rnd.IntN(5)), Reason: event.Reason(rnd.IntN(11)),
		ClosedBy: event.ClosedBy(rnd.IntN(6)), ResetBy: event.ClosedBy(rnd.IntN(3)), Errno: event.Errno(rnd.IntN(200)),
		Flags: event.Flags(rnd.IntN(1 << 14)), Inferred: event.Field(rnd.IntN(1 << 8)), Netns: uint32(maybe()),
		Proc: id(), Listener: id(), Src: endpoint(), Dst: endpoint(), Cookie: maybe(), Duration: maybe(),
		CloseWait: maybe(), PortSearch: maybe(), Count: maybe() >> 32, First: event.Time(maybe() >> 2), Last: event.Time(maybe() >> 2),
	}
	if rnd.IntN(4) == 0 {
		e.Kind = event.SocketFound + event.Kind(rnd.IntN(2))
	}
	if rnd.IntN(20) == 0 {
		e.Kind = event.DetailLimited
	}
	if rnd.IntN(10) == 0 {
		e = event.Event{Time: at, Kind: event.HostKnown + event.Kind(rnd.IntN(9)), Fact: randomFact(rnd, maybe, id)}
	}
	return e
}

func randomFact(rnd *rand.Rand, maybe func() uint64, id func() event.ProcID) event.Fact {
	text := func() string { return string([]byte{byte(rnd.IntN(256)), 0xff})[rnd.IntN(3):] }
	ancestors := [][]event.Ancestor{nil, {{ID: id(), Comm: text(), Script: text()}}, {{ID: id(), Comm: text()}, {}}}[rnd.IntN(3)]
	switch rnd.IntN(12) {
	case 0:
		return &event.Host{Name: text(), Kernel: text(), Arch: text(), PIDNS: text()}
	case 1:
		return event.Signals{{Name: text(), Mode: event.Mode(text()), Hook: text(), Reason: text()}, {}}
	case 2:
		return event.Clock{Mono: event.Time(maybe() >> 1), Wall: int64(maybe()), Boot: int64(maybe())}
	case 3:
		return &event.Process{
			ID: id(), PPID: uint32(maybe()), UID: uint32(maybe()), Comm: text(), Exe: text(), Cgroup: text(),
			Container: text(), Unit: text(), CommandLine: text(), Script: text(), Pod: event.Pod(text()), Ancestors: ancestors,
		}
	case 4:
		return &event.Netns{
			Inode: uint32(maybe()), Name: text(), TimeWait: int64(maybe()), Cookie: maybe(), Reserved: text(), Reuse: uint8(maybe()), MaxTimeWait: int64(maybe()), TimerStep: maybe(), TimerAt: event.Time(maybe() >> 1), Gone: rnd.IntN(2) == 0,
			NonlocalBind: event.Setting(maybe()), UnprivilegedPort: event.Counter(maybe()), MaxOrphans: event.Counter(maybe()),
			TCPMem: [3]uint64{maybe(), maybe(), maybe()}, TimeWaitSetting: maybe(), VRFs: event.DeviceVRFs(text()),
		}
	case 8:
		c := &event.NetnsCounts{Netns: uint32(maybe()), Conntrack: event.Conntrack{NAT: event.Setting(maybe())}}
		for _, n := range append(c.Counters(), c.Gauges()...) {
			*n = event.Counter(maybe())
		}
		return c
	case 7:
		return &event.Census{Netns: uint32(maybe()), Whole: rnd.IntN(2) == 0, Wide: rnd.IntN(2) == 0, Sockets: maybe(), Began: event.Time(maybe() >> 1)}
	case 5:
		return &event.Fold{Opens: maybe(), ClosesOut: maybe(), LeaveSynSent: maybe(), EarlyBinds: maybe(), ResetsOut: maybe(), Lifetimes: maybe()}
	case 6:
		return &event.Health{Events: maybe(), Memory: maybe(), CPU: maybe(), Maps: maybe(), ProgramTime: maybe(), ProgramRuns: maybe(), Limited: maybe()}
	case 9:
		return &event.FileUse{Open: maybe(), Limit: maybe(), Hard: maybe()}
	case 10:
		return &event.UDPUse{
			Netns: uint32(maybe()), InUse: uint32(maybe()), Own: uint32(maybe()), Reserved: text(),
			Ports:   event.PortRange{Low: uint16(maybe()), High: uint16(maybe())},
			Holders: []event.UDPHolder{{Proc: id(), Ports: uint32(maybe())}, {}},
		}
	}
	return event.Text(text())
}

func randomBatches(seed uint64, batches, most int) []batch {
	rnd := rand.New(rand.NewPCG(seed, 1))
	var list []batch
	at := event.Time(1e9)
	for range batches {
		b := batch{}
		for range rnd.IntN(most) {
			at += event.Time(rnd.IntN(1e6))
			b.events = append(b.events, random(rnd, at-event.Time(rnd.IntN(1e8))))
		}
		at += event.Time(50 * time.Millisecond)
		b.now = at
		list = append(list, b)
	}
	return list
}

// TestRoundTrip: what is read is what was written, event for event and batch for batch.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		batches := randomBatches(seed, 40, 60)
		r := reader(t, write(t, batches))
		for range 2 { // Rewind gives the same
			var got []event.Event
			var ends []event.Time
			for {
				b, err := r.Read(t.Context())
				got = append(got, b.Events...)
				if len(b.Events) > 0 {
					ends = append(ends, b.Now)
				}
				if err != nil {
					break
				}
			}
			var want []event.Event
			var wantEnds []event.Time
			for _, b := range batches {
				want = append(want, b.events...)
				if len(b.events) > 0 {
					wantEnds = append(wantEnds, b.now)
				}
			}
			for i := range want {
				if i < len(got) && !reflect.DeepEqual(got[i], want[i]) {
					t.Fatalf("seed %d, event %d:\n%+v\nwas\n%+v", seed, i, got[i], want[i])
				}
			}
			if len(got) != len(want) || !slices.Equal(ends, wantEnds) {
				t.Fatalf("seed %d: %d events in %d batches, want %d in %d", seed, len(got), len(ends), len(want), len(wantEnds))
			}
			if gaps := r.Gaps(); gaps != nil {
				t.Fatalf("gaps %v", gaps)
			}
			if err := r.Rewind(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func (f *frame) addAll(b batch) {
	var world event.World
	for i := range b.events {
		f.addEvent(&b.events[i], &world)
	}
	f.endBatch(b.now)
}

// TestPieces: a batch that is read in pieces, or lies in several frames, is not over
// before its last piece: nothing in it comes before its end.
func TestPieces(t *testing.T) {
	t.Parallel()
	batches := []batch{{now: 1e9}, {now: 3e9}, {now: 4e9}}
	for i := range batches {
		for n := range []int{10, 100_000, 10}[i] {
			batches[i].events = append(batches[i].events, event.Event{Time: batches[i].now - 5e8 + event.Time(n), Kind: event.Open})
		}
	}
	r := reader(t, write(t, batches))
	if frames := len(r.index.frames); frames < 3 {
		t.Fatalf("%d frames", frames)
	}
	counted := map[event.Time]int{}
	for {
		b, err := r.Read(t.Context())
		for i := range b.Events {
			if b.Events[i].Time > b.Now || b.Events[i].Time < b.Now-1e9 {
				t.Fatalf("an event of %d comes with %d", b.Events[i].Time, b.Now)
			}
		}
		counted[b.Now] += len(b.Events)
		if err != nil {
			break
		}
	}
	if counted[1e9] != 10 || counted[4e9] != 10 {
		t.Errorf("events by the end of their batch: %v", counted)
	}
}

// TestManyProcesses: a frame ends when its table of processes is full.
func TestManyProcesses(t *testing.T) {
	t.Parallel()
	b := batch{now: 2e9}
	for i := range uint32(2 * maxEvents) {
		b.events = append(b.events, event.Event{
			Time: 1e9, Kind: event.Close, Proc: event.ProcID{PID: 2*i + 1}, Listener: event.ProcID{PID: 2*i + 2},
		})
	}
	r := reader(t, write(t, []batch{b}))
	if got, _ := read(t, r); !reflect.DeepEqual(got, b.events) {
		t.Errorf("%d events of %d, gaps %v", len(got), len(b.events), r.Gaps())
	}
}
