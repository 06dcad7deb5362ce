package replay_test

import (
	"bytes"
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

const benchNetns = 4026531840

var benchAddr = event.Addr{10: 0xff, 11: 0xff, 12: 10, 15: 1}

// busyHour is a recording of an hour with that many events: 20 programs that open connections to
// 60 destinations, each for about a second. Every tenth is to one of which the ports run out.
func busyHour(tb testing.TB, events int) *record.Reader {
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
	connections := events / 2
	every := time.Hour / time.Duration(connections)
	closing := make([]event.Event, 0, connections)
	at, next := begin, begin.Add(50*time.Millisecond)
	for i := range connections {
		at = at.Add(every)
		for len(closing) > 0 && closing[0].Time <= at {
			put(closing[0])
			closing = closing[1:]
		}
		dest := byte(random.IntN(60))
		if random.IntN(10) == 0 {
			dest = 200
		}
		open := event.Event{
			Time: at, Kind: event.Open, Direction: event.Out, Proto: event.TCP, Netns: benchNetns, Count: 1,
			Proc:   event.ProcID{PID: uint32(random.IntN(20) + 1), Start: 7},
			Src:    event.Endpoint{Addr: benchAddr, Port: uint16(32768 + i%28232)},
			Dst:    event.Endpoint{Addr: event.Addr{10: 0xff, 11: 0xff, 12: 10, 14: dest, 15: 2}, Port: 80},
			Cookie: uint64(10_000 + i),
		}
		put(open)
		closed := open
		closed.Kind, closed.ClosedBy, closed.Flags = event.Close, event.Local, event.TimeWait
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

// BenchmarkReplay measures what a user waits for in a recording of five million events: the first
// frame, the survey, and a percent forward and back.
func BenchmarkReplay(b *testing.B) {
	rec := busyHour(b, 5_000_000)
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
	var memory runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&memory)
	b.ReportMetric(float64(memory.HeapAlloc>>20), "MiB")

	state := p.Playback()
	percent := state.End.Sub(state.Begin) / 100
	goTo := func(at event.Time) time.Duration {
		began := time.Now()
		p.Seek(at)
		for {
			<-snapshots
			if now := p.Playback(); !now.Seeking && now.At == at {
				return time.Since(began)
			}
		}
	}
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
