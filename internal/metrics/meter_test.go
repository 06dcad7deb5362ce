package metrics

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/porttrace/porttrace/internal/event"
)

const second = event.Time(time.Second)

// meterTest feeds a Meter, and checks with each batch that no counter goes backwards and that the increases of
// all series are those of the events.
type meterTest struct {
	*testing.T
	meter *Meter
	world event.World
	now   event.Time
	shown map[ownerKey]uint64 // opens, when they were shown last
	sum   uint64              // of all increases
	fed   uint64
}

func newMeterTest(t *testing.T, owners int) *meterTest {
	return &meterTest{T: t, meter: NewMeter(owners), now: second, shown: map[ownerKey]uint64{}}
}

// open opens n connections of a program.
func (t *meterTest) open(program string, n uint64) {
	t.Helper()
	t.event(program, event.Event{Kind: event.Open, Direction: event.Out, Count: n})
	t.fed += n
}

func (t *meterTest) event(program string, e event.Event) {
	t.Helper()
	id := event.ProcID{PID: 1, Start: uint64(len(program))}
	for _, b := range []byte(program) {
		id.Start = id.Start*131 + uint64(b)
	}
	e.Time, e.Proc = t.now, id
	if t.world.Process(id).Comm == "" {
		t.world.Apply(&event.Event{Fact: &event.Process{ID: id, Comm: program}})
	}
	if err := t.meter.Add(&e, &t.world); err != nil {
		t.Fatal(err)
	}
}

// pass lets time pass.
func (t *meterTest) pass(d time.Duration) {
	t.Helper()
	t.now = t.now.Add(d)
	t.meter.Advance(t.now)
	t.check()
}

func (t *meterTest) check() {
	t.Helper()
	counts := t.meter.Counts()
	if len(counts.Owners) > 2*t.meter.limit+1 {
		t.Fatalf("%d series, want twice %d and others at most", len(counts.Owners), t.meter.limit)
	}
	for _, o := range counts.Owners {
		before := t.shown[o.ownerKey]
		if o.opens < before {
			t.Fatalf("%v goes back from %d to %d", o.ownerKey, before, o.opens)
		}
		t.sum += o.opens - before
		t.shown[o.ownerKey] = o.opens
	}
	if t.sum != t.fed {
		t.Fatalf("the series have increased by %d, %d connections were opened", t.sum, t.fed)
	}
}

func (t *meterTest) listed(program string) bool {
	for _, o := range t.meter.listed {
		if o.key.program == program {
			return true
		}
	}
	return false
}

// want checks which programs are listed.
func (t *meterTest) want(programs ...string) {
	t.Helper()
	if len(t.meter.listed) != len(programs) {
		t.Errorf("%d programs are listed, want %v", len(t.meter.listed), programs)
	}
	for _, p := range programs {
		if !t.listed(p) {
			t.Errorf("%s is not listed", p)
		}
	}
}

// TestOwnersKeepTheirPlaces: a program is listed as long as there is room, and then until it is idle or outweighed.
func TestOwnersKeepTheirPlaces(t *testing.T) {
	t.Parallel()
	m := newMeterTest(t, 2)
	m.open("a", 10)
	m.open("b", 10)
	m.open("c", 30) // not four times as heavy
	m.pass(weighEvery)
	m.want("a", "b")
	m.open("a", 1)
	m.open("b", 1)
	m.open("c", 60)
	m.pass(weighEvery)
	m.want("a", "c")
	m.open("b", 30) // it was listed before: it goes on from where it was when it is again
	m.pass(weighEvery)
	m.want("a", "c")
	m.open("b", 1000)
	m.pass(weighEvery)
	m.want("b", "c")
	m.open("b", 5)
	m.pass(weighEvery)
	if got := m.shown[ownerKey{program: "b"}]; got != 11+5 {
		t.Errorf("b has %d, want what it had, and what it has done since it is listed again", got)
	}
}

// TestOwnersIdle: a program that does nothing loses its place after a while to one that does anything, and does
// not get it back for what it did long ago.
func TestOwnersIdle(t *testing.T) {
	t.Parallel()
	m := newMeterTest(t, 1)
	m.open("a", 1000)
	for range ownerIdleAfter/weighEvery - 1 {
		m.open("b", 1)
		m.pass(weighEvery)
		m.want("a")
	}
	m.open("b", 1)
	m.pass(weighEvery)
	m.want("b")
	for range 200 {
		m.pass(weighEvery)
		m.want("b")
	}
}

// TestOwnersStorm: programs that come and go at random do not make the sums wrong, and do not displace what is busy.
func TestOwnersStorm(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	m := newMeterTest(t, 8)
	for i := range 6 {
		m.open(fmt.Sprint("steady", i), 100)
	}
	for range 500 {
		for i := range 6 {
			m.open(fmt.Sprint("steady", i), 50)
		}
		for range 200 {
			m.open(fmt.Sprint("name", random.IntN(20_000)), 1+random.Uint64N(3))
		}
		m.pass(time.Duration(random.IntN(20)) * time.Second)
		for i := range 6 {
			if !m.listed(fmt.Sprint("steady", i)) {
				t.Fatalf("steady%d was displaced", i)
			}
		}
	}
	if n := len(m.meter.known); n > maxKnownOwners {
		t.Errorf("%d programs are kept", n)
	}
	if n := len(m.meter.young) + len(m.meter.old); n > 2*maxProcesses {
		t.Errorf("%d processes are kept", n)
	}
}

// TestFailureKinds: unusual errnos do not make more series than a bound.
func TestFailureKinds(t *testing.T) {
	t.Parallel()
	m := newMeterTest(t, 2)
	for errno := range event.Errno(200) {
		m.event("a", event.Event{Kind: event.ConnectFail, Op: event.OpConnect, Errno: 200 + errno, Reason: event.OtherReason, Count: 2})
	}
	m.event("a", event.Event{Kind: event.BindFail, Op: event.OpBind, Errno: event.EADDRINUSE, Reason: event.RangeExhausted, Count: 3})
	counts := m.meter.Counts()
	if got := counts.Exhausted[event.OpBind]; got != 3 {
		t.Errorf("%d binds found no port, want 3", got)
	}
	total := uint64(0)
	for _, f := range counts.Owners[0].failures {
		total += f.count
	}
	if n := len(counts.Owners[0].failures); n > maxFailureKeys+1 || total != 403 {
		t.Errorf("%d series of %d failures", n, total)
	}
}

// TestCountsFromZero: the first failure of a host is an increase of a series that was there before.
func TestCountsFromZero(t *testing.T) {
	t.Parallel()
	m := newMeterTest(t, 2)
	for op := event.OpConnect; op <= event.OpAutobind; op++ {
		if n, is := m.meter.Counts().Failed[op]; !is || n != 0 {
			t.Errorf("%s: %d, %t before the first failure", op, n, is)
		}
		if op == event.OpConnect {
			continue
		}
		m.event("a", event.Event{Kind: event.BindFail, Op: op, Errno: event.EADDRINUSE, Reason: event.PortTaken})
		if n := m.meter.Counts().Failed[op]; n != 1 {
			t.Errorf("%s: %d after it", op, n)
		}
	}
	m.event("a", event.Event{Kind: event.Folded, Fact: &event.Fold{ConnectFails: 7}})
	if failed := m.meter.Counts().Failed; len(failed) != 4 || failed[event.OpConnect] != 7 {
		t.Errorf("folded failures: %v", failed)
	}
}

// TestHostileNames: whatever a program is called, its label is printable, bounded, and not that of others.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	long := ""
	for range 100 {
		long += "日本語\x1b"
	}
	seen := map[ownerKey]string{}
	for _, comm := range []string{"", "other", "unknown", "a\nb", "\xff\xfe", "\"} 1\n", "\x1b[31m", "\u202eevil", long, "curl"} {
		key := ownerOf(&event.Process{ID: event.ProcID{PID: 1}, Comm: comm, Unit: comm, Container: comm})
		if was, ok := seen[key]; ok {
			t.Errorf("%q and %q are one program", comm, was)
		}
		seen[key] = comm
		for _, value := range []string{key.program, key.unit, key.container} {
			if !utf8.ValidString(value) || len(value) > maxLabel || text(value) != value {
				t.Errorf("%q became %q", comm, value)
			}
		}
	}
	if _, ok := maps.Clone(seen)[otherOwner]; ok {
		t.Error("a program is counted as the others")
	}
}
