package probe

import (
	"slices"
	"testing"
	"time"
	"unsafe"

	"github.com/porttrace/porttrace/internal/event"
)

// sock is an outgoing event of process pid to a port.
func sock(pid uint32, port uint16) []byte {
	r := &bpfConnEvent{How: uint8(event.Out), Netns: 1, Dport: port, Sport: 40000, Pid: pid, Start: uint64(pid) * nsPerTick}
	return unsafe.Slice((*byte)(unsafe.Pointer(r)), connEventSize)
}

// window lets a limiter see events of each process to port 80, and what was counted of those that
// are limited. It returns what it reports at the end.
func (l *limiter) window(now event.Time, sent, counted map[uint32]int) []event.Event {
	for pid, n := range sent {
		for range n {
			l.observe(sock(pid, 80))
		}
	}
	counts := make([]bpfFoldCounts, len(l.numbers))
	for _, pair := range l.limited {
		counts[pair.slot()] = pair.read
		counts[pair.slot()].Opens += uint64(counted[pair.key.Pid])
	}
	events := l.appendRead(l.appendBegun(nil, now), counts, now)
	l.judge(now)
	return events
}

// The pairs with the most events are limited as long as there are too many, and are not any more
// once all have less than half of it.
func TestLimiter(t *testing.T) {
	t.Parallel()
	l := newLimiter(100, 8)
	type report struct {
		pid          uint32
		since, until int
		counted      uint64
	}
	begin := event.Time(1000 * time.Second)
	at := func(second int) event.Time { return begin.Add(time.Duration(second) * time.Second) }
	second := func(at event.Time) int {
		if at == 0 {
			return 0
		}
		return int(at.Sub(begin) / time.Second)
	}
	l.window(at(0), nil, nil)
	for i, step := range []struct {
		sent, counted map[uint32]int
		want          []report
	}{
		{map[uint32]int{7: 60, 8: 30}, nil, nil},                                                             // no more than may be
		{map[uint32]int{7: 130, 8: 20, 9: 30}, nil, nil},                                                     // more
		{map[uint32]int{7: 2, 8: 20, 9: 30}, map[uint32]int{7: 128}, []report{{7, 2, 0, 0}, {7, 0, 0, 128}}}, // 7 alone is limited
		{map[uint32]int{7: 2, 8: 90, 9: 30}, map[uint32]int{7: 128}, []report{{7, 0, 0, 128}}},
		{map[uint32]int{8: 1, 9: 30}, map[uint32]int{7: 60, 8: 89}, []report{{8, 4, 0, 0}, {7, 0, 0, 60}, {8, 0, 0, 89}}}, // 8 as well
		{map[uint32]int{9: 30}, map[uint32]int{7: 25}, []report{{7, 0, 0, 25}}},                                           // there is room for 8, and for 7 not
		{map[uint32]int{9: 30}, map[uint32]int{7: 25, 8: 3}, []report{{7, 0, 0, 25}, {8, 0, 0, 3}, {8, 4, 6, 0}}},
		{map[uint32]int{9: 10}, map[uint32]int{7: 15}, []report{{7, 0, 0, 15}}},
		{map[uint32]int{9: 10}, nil, []report{{7, 2, 8, 0}}},
		{map[uint32]int{9: 10}, nil, nil},
	} {
		var got []report
		for _, e := range l.window(at(i+1), step.sent, step.counted) {
			if e.Netns != 1 || e.Dst.Port != 80 || e.Direction != event.Out {
				t.Errorf("second %d: %+v", i+1, e)
			}
			r := report{pid: e.Proc.PID}
			if fold, is := e.Fact.(*event.Fold); is {
				r.counted = fold.All()
			} else if r.since, r.until = second(e.First), second(e.Last); e.Kind != event.DetailLimited || e.Count != 100 {
				t.Errorf("second %d: %+v", i+1, e)
			}
			got = append(got, r)
		}
		if !slices.Equal(got, step.want) {
			t.Errorf("second %d: %v, want %v", i+1, got, step.want)
		}
	}
	if len(l.limited) != 0 || len(l.free) != 8 {
		t.Errorf("%d are limited, %d slots are free", len(l.limited), len(l.free))
	}
}

// A storm is limited before its first second is over, and a pair that comes back gets another number.
func TestLimiterHurries(t *testing.T) {
	t.Parallel()
	l := newLimiter(10_000, 1)
	second := event.Time(time.Second)
	l.judge(second)
	for range 9999 {
		l.observe(sock(7, 80))
	}
	if begun := l.hurry(second + second/10); begun != nil {
		t.Errorf("as many as may be: %d limited", len(begun))
	}
	l.observe(sock(7, 80))
	begun := l.hurry(second + second/10)
	if len(begun) != 1 || begun[0].since != second+second/10 || begun[0].key.Pid != 7 {
		t.Fatalf("limited: %+v", begun)
	}
	if again := l.hurry(second + second/5); again != nil {
		t.Errorf("limited again: %+v", again)
	}
	for now := 2 * second; len(l.limited) > 0; now += second {
		l.window(now, nil, nil)
		if now > 6*second {
			t.Fatal("it stays limited")
		}
	}
	l.window(8*second, map[uint32]int{7: 100_000}, nil)
	if pair := l.limited[begun[0].key]; pair == nil || pair.slot() != begun[0].slot() || pair.number == begun[0].number {
		t.Errorf("the second time: %+v, the first time %+v", pair, begun[0])
	}
}

// When the limit is reached follows from the pace, and from what the window has already.
func TestLimiterDue(t *testing.T) {
	t.Parallel()
	l := newLimiter(10_000, 1)
	at := event.Time(time.Second)
	l.judge(at)
	for i, step := range []struct {
		events int
		after  time.Duration
		want   time.Duration // 0: not in this window
	}{
		{0, 0, 0},
		{500, 100 * time.Millisecond, 0}, // 5,000 a second
		{5500, 100 * time.Millisecond, 4000 * time.Second / 55_000},
		{2000, 20 * time.Millisecond, 20 * time.Millisecond},
		{2000, 20 * time.Millisecond, 0}, // it has been reached
	} {
		at = at.Add(step.after)
		for range step.events {
			l.observe(sock(7, 80))
		}
		l.paced(step.events, at)
		got := l.due()
		if step.want == 0 && got < time.Hour || step.want != 0 && (got-step.want).Abs() > time.Microsecond {
			t.Errorf("step %d: due in %v, want %v", i+1, got, step.want)
		}
		l.hurry(at)
	}
}

// Without a limit nothing is counted, and a pair that goes on is reported again.
func TestLimiterOffAndRepeated(t *testing.T) {
	t.Parallel()
	off := newLimiter(0, 8)
	for i := range 5 {
		if got := off.window(event.Time(i+1)*event.Time(time.Second), map[uint32]int{7: 1000}, nil); len(got) > 0 || len(off.sent) > 0 {
			t.Errorf("without a limit: %v", got)
		}
	}
	l := newLimiter(10, 8)
	reported := 0
	for i := range 25 {
		for _, e := range l.window(event.Time(i+1)*event.Time(time.Second), map[uint32]int{7: 20}, map[uint32]int{7: 20}) {
			if e.Kind != event.DetailLimited {
				continue
			}
			if reported++; e.Last != 0 {
				t.Errorf("it goes on, and is reported with %+v", e)
			}
		}
	}
	if reported != 3 {
		t.Errorf("reported %d times in 25 s", reported)
	}
}

// The pairs that are counted, and those that are limited, are bounded.
func TestLimiterBounds(t *testing.T) {
	t.Parallel()
	l := newLimiter(1, 100)
	for i := range 3 {
		for pid := range uint32(3 * maxWatched) {
			for range leastCounted {
				l.observe(sock(pid+1, 80))
			}
		}
		if len(l.sent) > maxWatched {
			t.Errorf("%d pairs are counted", len(l.sent))
		}
		l.judge(event.Time(i+1) * event.Time(time.Second))
		if len(l.limited) > 100 {
			t.Errorf("%d pairs are limited", len(l.limited))
		}
	}
	if len(l.limited) != 100 {
		t.Errorf("%d pairs are limited, want 100", len(l.limited))
	}
}

// BenchmarkObserve is what the limiter adds to each event that is read: while there are few, and
// while pairs are counted.
func BenchmarkObserve(b *testing.B) {
	for name, watching := range map[string]bool{"few": false, "many": true} {
		b.Run(name, func(b *testing.B) {
			l := newLimiter(1<<40, 8)
			l.watching = watching
			var events [][]byte
			for i := range 1024 {
				events = append(events, sock(7, uint16(i)))
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				l.observe(events[i%len(events)])
			}
		})
	}
}
