package live

import (
	"os"
	"reflect"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/procinfo"
)

type scannerFunc func([]target, *atomic.Bool) ([]event.NetnsScan, time.Duration)

func (f scannerFunc) scan(targets []target, stopped *atomic.Bool) ([]event.NetnsScan, time.Duration) {
	return f(targets, stopped)
}

// empty finds no sockets.
func empty(targets []target, _ *atomic.Bool) (all []event.NetnsScan, cost time.Duration) {
	for _, at := range targets {
		all = append(all, event.NetnsScan{Census: event.Census{Netns: at.inode}})
	}
	return all, 0
}

// finding returns a scanner that finds one socket of each of the processes in every namespace.
func finding(owners ...event.ProcID) scannerFunc {
	return func(targets []target, _ *atomic.Bool) (all []event.NetnsScan, cost time.Duration) {
		for _, at := range targets {
			one := event.NetnsScan{Census: event.Census{Netns: at.inode}}
			for i, owner := range owners {
				one.Sockets.Add(&event.FoundSocket{
					Proc: owner, Src: event.Endpoint{Port: uint16(40000 + i)},
				})
			}
			all = append(all, one)
		}
		return all, 0
	}
}

func of(list []target) func() []target { return func() []target { return list } }

func targetsOf(inodes ...uint32) (list []target) {
	for _, inode := range inodes {
		list = append(list, target{inode: inode})
	}
	return list
}

// scanNow makes a scan, due or not, and returns what is reported.
func scanNow(t *testing.T, s *scans, inodes ...uint32) ([]event.Event, *event.Scan) {
	t.Helper()
	s.beginIfDue(of(targetsOf(inodes...)), later)
	done := s.wait(time.Minute)
	if done == nil {
		t.Fatal("no scan was made")
	}
	return s.finish(nil, done, later)
}

func TestScanSchedule(t *testing.T) {
	t.Parallel()
	const began = event.Time(1000 * time.Second)
	for _, tc := range []struct {
		name           string
		interval, cost time.Duration
		want           time.Duration
	}{
		{"cheap", 0, 0, time.Second},
		{"as cheap as once a second may be", 0, time.Second / scanShare, time.Second},
		{"dear", 0, 20 * time.Millisecond, 4 * time.Second},
		{"overridden", 10 * time.Millisecond, 0, 10 * time.Millisecond},
		{"overridden and dear", 10 * time.Millisecond, time.Second, 10 * time.Millisecond},
		{"overridden and rare", time.Hour, 0, time.Hour},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := newScans(scannerFunc(empty))
			s.interval = tc.interval
			s.finish(nil, &scanResult{began: began, cost: tc.cost}, began.Add(time.Millisecond))
			next := began.Add(tc.want)
			s.beginIfDue(of(nil), next-1)
			if s.running {
				t.Errorf("the next scan began less than %s after the last one", tc.want)
			}
			s.beginIfDue(of(nil), next)
			if !s.running {
				t.Errorf("no scan began %s after the last one", tc.want)
			}
			s.stop()
		})
	}
}

// Scans take half of the time while hardly anything happens, and twice as much while detail is limited.
func TestScanShare(t *testing.T) {
	t.Parallel()
	const second = event.Time(time.Second)
	for _, tc := range []struct {
		name         string
		any, limited bool
		occurred     uint64 // in ten seconds
		want         time.Duration
	}{
		{"the first one", false, false, 0, scanShare},
		{"quiet", true, false, 10*quietRate - 1, quietShare},
		{"busy", true, false, 10 * quietRate, scanShare},
		{"limited", true, true, 0, limitedShare},
	} {
		s := &scans{any: tc.any, limited: tc.limited, before: 1000, occurred: 1000 + tc.occurred, finished: second}
		if got := s.share(11 * second); got != tc.want {
			t.Errorf("%s: 1/%d, not 1/%d", tc.name, got, tc.want)
		}
	}
}

// What was only counted has a scan of all ports begin in the first second with hardly any, but not at once
// after one that took long.
func TestScanSettles(t *testing.T) {
	t.Parallel()
	const second = event.Time(time.Second)
	s := newScans(scannerFunc(empty))
	s.any, s.interval = true, time.Hour
	s.finish(nil, &scanResult{began: 10 * second, cost: 40 * time.Millisecond}, 10*second)
	s.nextWide = later
	for _, tc := range []struct {
		limited, missed uint64
		at              event.Time
		begins          bool
	}{
		{0, 0, 11 * second, false},
		{500, 0, 11 * second, false},
		{500, 0, 11 * second, false}, // too early for one that cost 40 ms
		{500, 0, 12 * second, true},
		{500, 0, 13 * second, false},
		{500, 1, 14 * second, false},
		{500, 1, 15 * second, true},
		{900, 1, 16 * second, false},
		{941, 1, 17 * second, false}, // fewer, but more than a tenth
		{960, 1, 18 * second, true},
		{980, 1, 19 * second, false}, // as many as before
		{1000, 1, 20 * second, false},
		{1000, 1, 21 * second, true},
	} {
		s.observe(&event.Health{Limited: tc.limited, Missed: tc.missed})
		s.beginIfDue(of(nil), tc.at)
		if s.running != tc.begins || s.running && s.nextWide != tc.at.Add(wideInterval) {
			t.Errorf("%+v: a scan begins: %v", tc, s.running)
		}
		if s.running {
			s.wait(time.Minute)
			s.finish(nil, &scanResult{began: tc.at}, tc.at)
			s.nextWide = later
		}
	}
}

// The first scan is due at once, and its cost is that of the scanner and of reading about
// the holders.
func TestFirstScan(t *testing.T) {
	t.Parallel()
	const cost = time.Hour
	before := monotonic()
	s := newScans(scannerFunc(func([]target, *atomic.Bool) ([]event.NetnsScan, time.Duration) { return nil, cost }))
	s.beginIfDue(of(nil), 1)
	r := s.wait(time.Minute)
	if r == nil || r.cost <= cost || r.cost > cost+time.Minute || r.began < before || r.began > monotonic() {
		t.Errorf("got %+v", r)
	}
}

func TestOneScanAtATime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var calls [][]target
		s := newScans(scannerFunc(func(targets []target, stopped *atomic.Bool) ([]event.NetnsScan, time.Duration) {
			calls = append(calls, targets)
			time.Sleep(time.Second)
			return empty(targets, stopped)
		}))
		for range 3 {
			s.beginIfDue(of(targetsOf(netns1)), later)
			synctest.Wait()
		}
		if len(calls) != 1 {
			t.Errorf("%d scans run", len(calls))
		}
		_, scan := s.finish(nil, s.wait(time.Minute), later)
		if len(scan.Netns) != 1 {
			t.Errorf("got %+v", scan)
		}
		scanNow(t, s, netns1)
		if len(calls) != 2 {
			t.Errorf("%d scans were made", len(calls))
		}
	})
}

func TestScanPatience(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScans(scannerFunc(func([]target, *atomic.Bool) ([]event.NetnsScan, time.Duration) {
			time.Sleep(100 * time.Millisecond)
			return nil, 0
		}))
		begin := time.Now()
		wait := func(patience time.Duration, done bool, until time.Duration) {
			t.Helper()
			if got := s.wait(patience); (got != nil) != done || time.Since(begin) != until {
				t.Errorf("waiting for %s: got %+v after %s, want it after %s", patience, got, time.Since(begin), until)
			}
		}
		wait(time.Minute, false, 0) // none runs
		s.beginIfDue(of(nil), later)
		wait(0, false, 0)
		wait(30*time.Millisecond, false, 30*time.Millisecond)
		wait(time.Minute, true, 100*time.Millisecond)
		wait(time.Minute, false, 100*time.Millisecond) // it was taken

		s.beginIfDue(of(nil), later)
		time.Sleep(150 * time.Millisecond)
		wait(0, true, 250*time.Millisecond)
	})
}

// A result that is there is taken, however little patience there is.
func TestTakeReadyResult(t *testing.T) {
	t.Parallel()
	s := newScans(scannerFunc(empty))
	for range 100 { // a select between two that are ready is random
		s.running = true
		s.results <- scanResult{}
		if s.wait(0) == nil {
			t.Fatal("it was not taken")
		}
	}
}

func TestStopScan(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ended := false
		s := newScans(scannerFunc(func(_ []target, stopped *atomic.Bool) ([]event.NetnsScan, time.Duration) {
			for range 3600 {
				if stopped.Load() {
					ended = true
					break
				}
				time.Sleep(time.Second)
			}
			return nil, 0
		}))
		s.beginIfDue(of(nil), later)
		time.Sleep(10 * time.Second)
		begin := time.Now()
		s.stop()
		if !ended || time.Since(begin) > time.Second {
			t.Errorf("ended is %v after %s", ended, time.Since(begin))
		}
		s.beginIfDue(of(nil), later)
		if s.running {
			t.Error("a scan began after the end")
		}
		s.stop() // none runs
	})
}

// A reader that fails after it has taken a result closes the Source without finish.
func TestStopAfterResult(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScans(scannerFunc(empty))
		s.beginIfDue(of(targetsOf(netns1)), later)
		if s.wait(time.Minute) == nil {
			t.Fatal("no scan was made")
		}
		s.stop()
	})
}

// All sockets of the first scan are older than the trace; of those that a later one finds it
// is not known.
func TestBeforeStart(t *testing.T) {
	t.Parallel()
	s := newScans(finding(nginx, worker))
	for i, want := range []bool{true, false, false} {
		_, scan := scanNow(t, s, netns1, netns2)
		if len(scan.Netns) != 2 || scan.At != later {
			t.Fatalf("scan %d: got %+v", i, scan)
		}
		for _, one := range scan.Netns {
			for _, e := range one.Sockets.All() {
				if e.Flags.Has(event.BeforeStart) != want {
					t.Errorf("scan %d: got %+v", i, e)
				}
			}
		}
	}
}

func self(t *testing.T) event.Process {
	t.Helper()
	pid := uint32(os.Getpid())
	start, err := procinfo.StartTicks(pid)
	p, ok := new(describer).read(event.ProcID{PID: pid, Start: start})
	if err != nil || !ok {
		t.Fatal("this process is not found", err)
	}
	return p
}

// A holder is reported by the first scan that finds a socket of it, and by no later one. A
// process that has its pid now is not reported in its place.
func TestHoldersReportedOnce(t *testing.T) {
	t.Parallel()
	me := self(t)
	earlier := event.ProcID{PID: me.ID.PID, Start: me.ID.Start - 1}
	s := newScans(finding(event.ProcID{}, me.ID, earlier, me.ID))
	want := []event.Event{{Time: later, Kind: event.ProcessKnown, Fact: &me}}
	for i, want := range [][]event.Event{want, nil, nil} {
		if got, _ := scanNow(t, s, netns1, netns2); !reflect.DeepEqual(got, want) {
			t.Errorf("scan %d: reported %+v", i, got)
		}
	}
	// What was reported is forgotten beyond a bound.
	for i := range maxReported {
		s.reported[event.ProcID{PID: uint32(i) + 1<<24}] = true
	}
	if got, _ := scanNow(t, s, netns1); !reflect.DeepEqual(got, want) || len(s.reported) != 1 {
		t.Errorf("reported %+v, %d are remembered", got, len(s.reported))
	}
}

// A namespace that is not scanned any more is sent as gone, once.
func TestGoneOnce(t *testing.T) {
	t.Parallel()
	failed := map[uint32]bool{}
	s := newScans(scannerFunc(func(targets []target, stopped *atomic.Bool) ([]event.NetnsScan, time.Duration) {
		return empty(slices.DeleteFunc(slices.Clone(targets), func(at target) bool { return failed[at.inode] }), stopped)
	}))
	gone := func(inodes ...uint32) []event.NetnsScan {
		t.Helper()
		var gone []event.NetnsScan
		_, scan := scanNow(t, s, inodes...)
		for _, one := range scan.Netns {
			if one.Gone {
				gone = append(gone, one)
			}
		}
		return gone
	}
	is := func(inode uint32) event.NetnsScan {
		return event.NetnsScan{Census: event.Census{Netns: inode, Bound: true}, Gone: true}
	}
	for i, step := range []struct {
		scanned []uint32
		want    []event.NetnsScan
	}{
		{[]uint32{netns1, netns2}, nil},
		{[]uint32{netns1}, []event.NetnsScan{is(netns2)}},
		{[]uint32{netns1}, nil},
		{[]uint32{netns1, netns2}, nil}, // another with its inode
		{nil, []event.NetnsScan{is(netns1), is(netns2)}},
		{nil, nil},
	} {
		if got := gone(step.scanned...); !reflect.DeepEqual(got, step.want) {
			t.Errorf("scan %d: got %+v, want %+v", i, got, step.want)
		}
	}
	// One that cannot be read is still there.
	gone(netns1, netns2)
	failed[netns2] = true
	if got := gone(netns1, netns2); got != nil {
		t.Errorf("got %+v", got)
	}
}

// A repeated scan is of all ports, and reports the open files that it has reported before.
func TestRepeat(t *testing.T) {
	t.Parallel()
	var wide []bool
	s := newScans(scannerFunc(func(targets []target, stopped *atomic.Bool) ([]event.NetnsScan, time.Duration) {
		wide = append(wide, targets[0].wide)
		return finding(event.ProcID{PID: uint32(os.Getpid()), Start: 1})(targets, stopped)
	}))
	s.counts = newCounts(noUDP{}, nil)
	s.counts.files.read = func(uint32) (event.FileUse, error) { return event.FileUse{Open: 99, Limit: 100}, nil }
	s.counts.files.started = func(uint32) (uint64, error) { return 1, nil }
	var reported []int
	scan := func(at event.Time) {
		t.Helper()
		s.beginIfDue(of(targetsOf(1)), at)
		done := s.wait(time.Minute)
		if done == nil {
			t.Fatal("no scan was made")
		}
		events, _ := s.finish(nil, done, at)
		reported = append(reported, len(slices.DeleteFunc(events, func(e event.Event) bool { return e.Kind != event.FilesCounted })))
	}
	at := monotonic()
	scan(at)
	s.next, s.counts.files.next = 0, 0
	scan(at.Add(time.Second))
	s.repeat()
	scan(at.Add(time.Second)) // not due by itself
	if !slices.Equal(wide, []bool{true, false, true}) || !slices.Equal(reported, []int{1, 0, 1}) {
		t.Errorf("of all ports: %v, files reported: %v", wide, reported)
	}
}

// noUDP lists no sockets.
type noUDP struct{}

func (noUDP) inUse(uint32) (int, error)                       { return 0, nil }
func (noUDP) list(uint32, int) ([]udpSocket, error)           { return nil, nil }
func (noUDP) assignOwners([][]udpSocket) map[event.ProcID]int { return nil }
