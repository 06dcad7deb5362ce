package record

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/klauspost/compress/zstd"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/porttrace/porttrace/internal/event"
)

// sockets are the events of sockets in a file, and the gaps that came as events.
func sockets(t testing.TB, file []byte) (events []event.Event, gaps []event.Gap) {
	t.Helper()
	all, _ := read(t, reader(t, file))
	for _, e := range all {
		if gap, ok := e.Fact.(*event.Gap); ok {
			gaps = append(gaps, *gap)
		} else if e.Kind.AboutSocket() {
			events = append(events, e)
		}
	}
	return events, gaps
}

// sample is a file of several frames, and where they begin.
func sample(t testing.TB) (file []byte, frames []entry) {
	t.Helper()
	file = write(t, randomBatches(7, 120, 40))
	frames = reader(t, file).index.frames
	if len(frames) < 5 {
		t.Fatalf("%d frames", len(frames))
	}
	return file, frames
}

// socketsIn is how many events of sockets a frame holds.
func socketsIn(t testing.TB, file []byte, x *entry) int {
	t.Helper()
	one, err := NewReader(bytes.NewReader(file[x.at:x.at+headerSize+int64(x.size)]), headerSize+int64(x.size))
	if err != nil {
		t.Fatal(err)
	}
	got, _ := read(t, one)
	n := 0
	for _, e := range got {
		if e.Kind.AboutSocket() {
			n++
		}
	}
	return n
}

// TestDamagedFrame: a damaged frame costs only its events, and its time span is reported.
func TestDamagedFrame(t *testing.T) {
	t.Parallel()
	file, frames := sample(t)
	whole, _ := sockets(t, file)
	rnd := rand.New(rand.NewPCG(1, 2))
	begin, each := 0, 8
	if testing.Short() {
		each = 1
	}
	for i := range frames {
		x := &frames[i]
		n := socketsIn(t, file, x)
		for range each {
			broken := slices.Clone(file)
			at := x.at + int64(rnd.IntN(headerSize+int(x.size)))
			broken[at] ^= byte(1 << rnd.IntN(8))
			got, gaps := sockets(t, broken)
			want := slices.Concat(whole[:begin], whole[begin+n:])
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("frame %d, byte %d: %d events, want %d", i, at-x.at, len(got), len(want))
			}
			gap := event.Gap{Begin: x.begin, End: x.end}
			if i == 0 {
				gap.Begin = x.end // when it began is not known
			}
			if !slices.Equal(gaps, []event.Gap{gap}) || !slices.Equal(reader(t, broken).Gaps(), gaps) {
				t.Fatalf("frame %d: gaps %+v, want %+v", i, gaps, gap)
			}
		}
		begin += n
	}
}

// TestKnownAfterDamage: what the lost frame has said of the world comes with the next.
func TestKnownAfterDamage(t *testing.T) {
	t.Parallel()
	at := event.Time(1e9)
	id := event.ProcID{PID: 7, Start: 9}
	first := []event.Event{
		{Time: at, Kind: event.ClockAnchor, Fact: event.Clock{Mono: at, Wall: 1, Boot: 2}},
		{Time: at, Kind: event.HostKnown, Fact: &event.Host{Name: "web-1"}},
		{Time: at, Kind: event.SignalsKnown, Fact: event.Signals{{Name: "states", Mode: event.Exact}}},
		{Time: at, Kind: event.NetnsKnown, Fact: &event.Netns{Inode: 5, Name: "blue", TimeWait: 3}},
		{Time: at, Kind: event.NetnsCounted, Fact: &event.NetnsCounts{Netns: 5, ListenDrops: event.CounterOf(9)}},
		{Time: at, Kind: event.ProcessKnown, Fact: &event.Process{ID: id, Comm: "shop", Exe: "/bin/shop"}},
		{Time: at, Kind: event.Open, Direction: event.Out, Proc: id, Netns: 5},
	}
	second := []event.Event{{Time: 2 * at, Kind: event.Open, Direction: event.Out, Proc: id, Netns: 5}}
	file := write(t, []batch{{first, 2 * at}, {second, 3 * at}})
	file[headerSize+3] ^= 1
	events, _ := read(t, reader(t, file))
	var world event.World
	for i := range events {
		world.Apply(&events[i])
	}
	if p := world.Process(id); p.Comm != "shop" || p.Exe != "/bin/shop" {
		t.Errorf("the process is %+v", p)
	}
	if world.Host.Name != "web-1" || len(world.Signals) != 1 || world.Clock.Wall != 1 || world.Netns(5).Name != "blue" {
		t.Errorf("the world is %+v", world)
	}
	counted := 0
	world.EachCounts(func(c *event.NetnsCounts) {
		counted++
		if *c != (event.NetnsCounts{Netns: 5, ListenDrops: event.CounterOf(9)}) {
			t.Errorf("the counts are %+v", c)
		}
	})
	if counted != 1 {
		t.Errorf("the counts of %d namespaces are known", counted)
	}
}

// TestCut: wherever a file was cut, the whole frames before are read and the rest is
// said to be cut off.
func TestCut(t *testing.T) {
	t.Parallel()
	file, frames := sample(t)
	whole, _ := sockets(t, file)
	rnd := rand.New(rand.NewPCG(4, 2))
	most := len(file) / 200
	if testing.Short() {
		most *= 10
	}
	for cut := 0; cut < len(file); cut += 1 + rnd.IntN(most) {
		r, err := NewReader(bytes.NewReader(file), int64(cut))
		switch {
		case int64(cut) < headerSize+int64(frames[0].size):
			if cut == 0 && !errors.Is(err, ErrEmpty) || cut > 0 && !errors.Is(err, ErrCut) {
				t.Fatalf("cut at %d: %v", cut, err)
			}
			continue
		case err != nil:
			t.Fatalf("cut at %d: %v", cut, err)
		}
		events, now := read(t, r)
		last := events[len(events)-1]
		gap, ok := last.Fact.(*event.Gap)
		if !ok || !gap.Truncated || gap.Begin != now || len(r.Gaps()) != 1 {
			t.Fatalf("cut at %d: it ends with %+v", cut, last)
		}
		n := 0
		for _, e := range events {
			if e.Kind.AboutSocket() {
				if !reflect.DeepEqual(e, whole[n]) {
					t.Fatalf("cut at %d: event %d is %+v", cut, n, e)
				}
				n++
			}
		}
	}
}

// TestShuffled: bytes that came in between, a frame that is gone or there twice.
func TestShuffled(t *testing.T) {
	t.Parallel()
	file, frames := sample(t)
	whole, _ := sockets(t, file)
	part := func(from, to int) []byte { return file[frames[from].at:frames[to].at] }
	rest := file[frames[3].at:]
	lost := socketsIn(t, file, &frames[2])
	for name, tc := range map[string]struct {
		file []byte
		lost int
		gaps int
	}{
		"garbage between":    {slices.Concat(part(0, 3), bytes.Repeat([]byte("porttrace"), 30_000), rest), 0, 1},
		"garbage at the end": {slices.Concat(file, []byte("more")), 0, 0},
		"a frame is gone":    {slices.Concat(part(0, 2), rest), lost, 1},
		"a frame is twice":   {slices.Concat(part(0, 3), part(2, 3), rest), 0, 1},
		"two recordings":     {slices.Concat(file, file), 0, 0},
	} {
		got, gaps := sockets(t, tc.file)
		if len(got) != len(whole)-tc.lost || len(gaps) != tc.gaps {
			t.Errorf("%s: %d events of %d, gaps %v", name, len(got), len(whole), gaps)
		}
	}
}

func TestNoRecording(t *testing.T) {
	t.Parallel()
	newer := (&header{kind: kindFrame}).append(nil)
	newer[17] = Version + 1
	empty := (&header{kind: kindEnd}).append(nil)
	for name, tc := range map[string]struct {
		file []byte
		want error
	}{
		"empty":      {nil, ErrEmpty},
		"first bits": {marker[:5], ErrCut},
		"a header":   {(&header{kind: kindFrame, size: 100}).append(nil), ErrCut},
		"text":       {[]byte("03:12 connect: cannot assign requested address\n"), ErrForeign},
		"zstd":       {[]byte("\x28\xb5\x2f\xfd\x00\x00\x01\x00\x00"), ErrForeign},
		"zeros":      {make([]byte, 1<<20), ErrForeign},
		"newer":      {newer, ErrVersion},
		"nothing":    {empty, nil},
	} {
		_, err := NewReader(bytes.NewReader(tc.file), int64(len(tc.file)))
		if !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", name, err, tc.want)
		}
	}
}

// stored makes a file of one frame whose sums are right, whatever is in it.
func stored(raw []byte, change func(*header)) []byte {
	body := compressor().EncodeAll(raw, nil)
	h := header{kind: kindFrame, size: uint32(len(body)), raw: uint32(min(len(raw), maxRaw)), sum: checksum(body)}
	if change != nil {
		change(&h)
	}
	end := header{kind: kindEnd, number: 1}
	return end.append(append(h.append(nil), body...))
}

// compressor is one, as to make it takes longer than to compress a frame.
var compressor = sync.OnceValue(func() *zstd.Encoder {
	encoder, err := zstd.NewWriter(nil)
	if err != nil {
		panic(err)
	}
	return encoder
})

// TestHostile: a frame that claims too much is damage and costs no memory.
func TestHostile(t *testing.T) {
	// Not parallel: it measures memory.
	table := func(n protowire.Number, rows int) []byte {
		body := bytes.Repeat(appendBytes(nil, n, nil), rows)
		return appendBytes(nil, traceFrame, body)
	}
	column := func(n protowire.Number, values int) []byte {
		return appendBytes(nil, n, make([]byte, values))
	}
	full := appendBytes(nil, traceFrame, slices.Concat(
		bytes.Repeat(appendBytes(nil, frameProcess, nil), maxEvents),
		bytes.Repeat(appendBytes(nil, frameShape, nil), maxEvents),
		column(frameColumns, maxRaw/4), column(frameColumns+1, maxRaw/4)))
	for name, file := range map[string][]byte{
		"a bomb":         stored(make([]byte, 1<<28), nil),
		"processes":      stored(table(frameProcess, maxRaw/3), nil),
		"shapes":         stored(table(frameShape, maxRaw/3), nil),
		"facts":          stored(table(frameFact, maxRaw/3), nil),
		"as much as may": stored(full, nil),
		"no shapes":      stored(appendBytes(nil, traceFrame, column(frameColumns, 1000)), nil),
		"no columns":     stored(nil, nil),
		"another size":   stored(full, func(h *header) { h.raw-- }),
		"not compressed": append((&header{kind: kindFrame, size: 4, sum: checksum([]byte("abcd"))}).append(nil), "abcd"...),
	} {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		r := reader(t, file)
		for {
			if _, err := r.Read(t.Context()); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		runtime.ReadMemStats(&after)
		if grown := int64(after.HeapInuse) - int64(before.HeapInuse); grown > 64<<20 {
			t.Errorf("%s: the heap has grown by %d MiB", name, grown>>20)
		}
		if name != "no columns" && name != "as much as may" && len(r.Gaps()) == 0 {
			t.Errorf("%s: it is said to be whole", name)
		}
		runtime.KeepAlive(file)
	}
}
