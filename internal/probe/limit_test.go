package probe

import (
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
	l.judge(now)
	for pid, n := range counted {
		key, _ := foldKeyOf(sock(pid, 80))
		l.count(key, &event.Fold{Opens: uint64(n)})
	}
	l.swapped(now)
	return l.report(nil, now)
}

// A pair is limited from the window on after one in which it had more than the limit, and until
// it has less than half of it.
func TestLimiter(t *testing.T) {
	t.Parallel()
	l := newLimiter(100)
	type report struct {
		pid          uint32
		since, until int
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
		{map[uint32]int{7: 60, 8: 30}, nil, nil},                            // in all no more than the limit: no pair is counted
		{map[uint32]int{7: 130, 8: 20}, nil, nil},                           // more, which was not known at the beginning
		{map[uint32]int{7: 130, 8: 20}, nil, []report{{7, 3, 0}}},           // now it is
		{map[uint32]int{7: 2, 8: 90}, map[uint32]int{7: 128}, nil},          // a sample goes on
		{map[uint32]int{7: 2, 8: 95}, map[uint32]int{7: 60}, nil},           // more than half
		{map[uint32]int{8: 90}, map[uint32]int{7: 40}, nil},                 // less: known with the next swap
		{map[uint32]int{8: 90}, map[uint32]int{7: 40}, []report{{7, 3, 7}}}, // and that is the end
		{map[uint32]int{8: 90}, nil, nil},
	} {
		var got []report
		for _, e := range l.window(at(i+1), step.sent, step.counted) {
			if e.Kind != event.DetailLimited || e.Count != 100 || e.Dst.Port != 80 || e.Netns != 1 || e.Time != at(i+1) {
				t.Errorf("window %d: %+v", i+1, e)
			}
			got = append(got, report{e.Proc.PID, second(e.First), second(e.Last)})
		}
		if len(got) != len(step.want) || len(got) == 1 && got[0] != step.want[0] {
			t.Errorf("window %d: %v, want %v", i+1, got, step.want)
		}
	}
}

// Without a limit nothing is counted, and a pair that goes on is reported again.
func TestLimiterOffAndRepeated(t *testing.T) {
	t.Parallel()
	off := newLimiter(0)
	for i := range 5 {
		if got := off.window(event.Time(i+1)*event.Time(time.Second), map[uint32]int{7: 1000}, nil); len(got) > 0 || len(off.sent) > 0 {
			t.Errorf("without a limit: %v", got)
		}
	}
	l := newLimiter(10)
	reported := 0
	for i := range 25 {
		for _, e := range l.window(event.Time(i+1)*event.Time(time.Second), map[uint32]int{7: 20}, map[uint32]int{7: 20}) {
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
	l := newLimiter(1)
	for i := range 3 {
		for pid := range uint32(3 * maxWatched) {
			l.observe(sock(pid+1, 80))
			l.observe(sock(pid+1, 80))
		}
		if len(l.sent) > maxWatched {
			t.Errorf("%d pairs are counted", len(l.sent))
		}
		l.judge(event.Time(i+1) * event.Time(time.Second))
		if len(l.limited) > maxLimited {
			t.Errorf("%d pairs are limited", len(l.limited))
		}
	}
	if len(l.limited) != maxLimited {
		t.Errorf("%d pairs are limited, want %d", len(l.limited), maxLimited)
	}
}

// BenchmarkObserve is what the limiter adds to each event that is read: while there are few, and
// while pairs are counted.
func BenchmarkObserve(b *testing.B) {
	for name, watching := range map[string]bool{"few": false, "many": true} {
		b.Run(name, func(b *testing.B) {
			l := newLimiter(1 << 40)
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
