package replay_test

import (
	"bytes"
	"flag"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/record"
	"github.com/porttrace/porttrace/internal/replay"
	"github.com/porttrace/porttrace/internal/snapshot"
)

type memory struct{ bytes.Buffer }

func (*memory) Sync() error              { return nil }
func (m *memory) Truncate(n int64) error { m.Buffer.Truncate(int(n)); return nil }

var wholeHour = flag.Bool("hour", false, "BenchmarkSeek plays the whole hour")

const benchNetns = 4026531840

var benchAddr = event.Addr{10: 0xff, 11: 0xff, 12: 10, 15: 1}

// hour is a recorded load: 20 programs that open connections, each for a second.
type hour struct {
	events       int
	destinations int
	length       time.Duration
	full         bool // every tenth connection is to one destination, of which the ports run out
	buckets      int  // one of as many connections leaves a TIME_WAIT bucket
}

// busyHour is a recording of a load.
func busyHour(tb testing.TB, load hour) *record.Reader {
	tb.Helper()
	var to memory
	w, err := record.NewWriter(&to, 0)
	if err != nil {
		tb.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 1))
	begin := event.Time(time.Hour)
	var world event.World
	put := func(e event.Event) {
		world.Apply(&e)
		if err := w.Add(&e, &world); err != nil {
			tb.Fatal(err)
		}
	}
	put(event.Event{Time: begin, Kind: event.ClockAnchor, Fact: event.Clock{Mono: begin, Wall: 1.7e18, Boot: int64(begin)}})
	put(event.Event{Time: begin, Kind: event.NetnsKnown, Fact: &event.Netns{Inode: benchNetns, Ports: event.PortRange{Low: 32768, High: 60999}}})
	for pid := range uint32(20) {
		put(event.Event{Time: begin, Kind: event.ProcessKnown, Fact: &event.Process{ID: event.ProcID{PID: pid + 1, Start: 7}, Comm: "shop"}})
	}
	connections := load.events / 2
	every := load.length / time.Duration(connections)
	var closing []event.Event
	at, next := begin, begin.Add(50*time.Millisecond)
	for i := range connections {
		at = at.Add(every)
		for len(closing) > 0 && closing[0].Time <= at {
			put(closing[0])
			closing = closing[1:]
		}
		dest := random.IntN(load.destinations)
		if load.full && random.IntN(10) == 0 {
			dest = 1 << 15
		}
		open := event.Event{
			Time: at, Kind: event.Open, Direction: event.Out, Proto: event.TCP, Netns: benchNetns, Count: 1,
			Proc:   event.ProcID{PID: uint32(random.IntN(20) + 1), Start: 7},
			Src:    event.Endpoint{Addr: benchAddr, Port: uint16(32768 + i%28232)},
			Dst:    event.Endpoint{Addr: event.Addr{10: 0xff, 11: 0xff, 12: 10, 13: byte(dest >> 8), 14: byte(dest), 15: 2}, Port: 80},
			Cookie: uint64(10_000 + i),
		}
		put(open)
		closed := open
		closed.Kind, closed.ClosedBy = event.Close, event.Local
		if i%load.buckets == 0 {
			closed.Flags = event.TimeWait
		}
		closed.Duration = uint64(time.Second)
		closed.Time = at.Add(time.Second)
		closing = append(closing, closed)
		if at > next {
			if err := w.EndBatch(at); err != nil {
				tb.Fatal(err)
			}
			next = at.Add(50 * time.Millisecond)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	r, err := record.NewReader(bytes.NewReader(to.Bytes()), int64(to.Len()))
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

func heapSize() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// seek goes to a moment and returns how long it took until that was shown.
func seek(p *replay.Player, at event.Time, snapshots chan *snapshot.Snapshot) time.Duration {
	began := time.Now()
	p.Seek(at)
	for {
		<-snapshots
		if now := p.Playback(); !now.Seeking && now.At == at {
			return time.Since(began)
		}
	}
}

// BenchmarkReplay measures what a user waits for in a recording of five million events: the first
// frame, the survey, and a percent forward and back.
func BenchmarkReplay(b *testing.B) {
	rec := busyHour(b, hour{events: 5_000_000, destinations: 60, length: time.Hour, full: true, buckets: 1})
	second, err := rec.Fork()
	if err != nil {
		b.Fatal(err)
	}
	snapshots := make(chan *snapshot.Snapshot, 1)
	began := time.Now()
	p := replay.NewPlayer(rec, replay.Options{Snapshots: snapshots, Every: 50 * time.Millisecond, Survey: second})
	p.TogglePause()
	go p.Run(b.Context())
	<-snapshots
	b.ReportMetric(float64(time.Since(began).Milliseconds()), "ms/first-frame")
	for p.Playback().Surveyed < 1 {
		<-snapshots
	}
	b.ReportMetric(time.Since(began).Seconds(), "s/timeline")
	for !p.Timeline().Judged {
		<-snapshots
	}
	b.ReportMetric(time.Since(began).Seconds(), "s/findings")
	b.ReportMetric(float64(heapSize()>>20), "MiB")

	state := p.Playback()
	percent := state.End.Sub(state.Begin) / 100
	goTo := func(at event.Time) time.Duration { return seek(p, at, snapshots) }
	b.ReportMetric(float64(goTo(state.End.Add(-percent)).Milliseconds()), "ms/to-99%")
	var back, forward, longest time.Duration
	for i := range time.Duration(20) {
		took := goTo(state.End.Add(-(2 + i) * percent))
		back, longest = back+took, max(longest, took)
	}
	for i := range time.Duration(20) {
		forward += goTo(state.End.Add(-(20 - i) * percent))
	}
	b.ReportMetric(float64(back.Milliseconds())/20, "ms/back-1%")
	b.ReportMetric(float64(longest.Milliseconds()), "ms/back-1%-longest")
	b.ReportMetric(float64(forward.Milliseconds())/20, "ms/forward-1%")
}

// hourEvents is 10,000 events a second.
const hourEvents = 36_000_000

// ofHour is a part of an hour. The checkpoints are as far apart as those of the whole hour.
type ofHour struct{ *record.Reader }

func (ofHour) Events() int { return hourEvents }

// BenchmarkSeek measures the seek back to any moment of an hour with 10,000 events a second, 1,024
// destinations and 30,000 TIME_WAIT buckets at a time. By default three minutes of that hour are
// played, with -hour all of it.
func BenchmarkSeek(b *testing.B) {
	load := hour{events: hourEvents, destinations: 1024, length: time.Hour, buckets: 10}
	if !*wholeHour {
		load.events, load.length = load.events/20, load.length/20
	}
	rec := busyHour(b, load)
	second, err := rec.Fork()
	if err != nil {
		b.Fatal(err)
	}
	before := heapSize() // of the file
	snapshots := make(chan *snapshot.Snapshot, 1)
	p := replay.NewPlayer(rec, replay.Options{Snapshots: snapshots, Every: time.Second, Survey: ofHour{second}})
	p.TogglePause()
	go p.Run(b.Context())
	for !p.Timeline().Judged {
		<-snapshots
	}
	b.ReportMetric(float64(heapSize()-before)/(1<<20), "MiB")
	state := p.Playback()
	random := rand.New(rand.NewPCG(2, 2))
	var longest, sum time.Duration
	const seeks = 20
	for range seeks {
		at := state.Begin + event.Time(random.Int64N(int64(state.End-state.Begin)))
		took := seek(p, at, snapshots)
		sum, longest = sum+took, max(longest, took)
	}
	b.ReportMetric(float64(longest.Milliseconds()), "ms/longest")
	b.ReportMetric(float64(sum.Milliseconds())/seeks, "ms/seek")
}
