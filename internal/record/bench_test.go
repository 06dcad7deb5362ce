package record

import (
	"errors"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/pipeline"
)

// maxBuckets is as tcp_max_tw_buckets: a kernel with as many keeps no more.
const maxBuckets = 100_000

// storm is a load as bpf sees it: connections that take 40 us to many destinations of
// many processes, read each 50 ms.
func storm(connections, processes, destinations int) []batch {
	rnd := rand.New(rand.NewPCG(1, 1))
	at := event.Time(time.Hour)
	list := []batch{{now: at}}
	for i := range processes {
		id := event.ProcID{PID: uint32(i + 1), Start: 7}
		list[0].events = append(list[0].events, event.Event{Time: at, Kind: event.ProcessKnown, Fact: &event.Process{ID: id, Comm: "shop"}})
	}
	b := batch{}
	next := at.Add(50 * time.Millisecond)
	for i := range connections {
		at += event.Time(rnd.IntN(20_000))
		open := event.Event{
			Time: at, Kind: event.Open, Direction: event.Out, Proto: event.TCP, Netns: 4026531840, Count: 1,
			Proc:   event.ProcID{PID: uint32(rnd.IntN(processes) + 1), Start: 7},
			Src:    event.Endpoint{Addr: event.Addr{10: 0xff, 11: 0xff, 12: 10, 15: 1}, Port: uint16(32768 + rnd.IntN(28232))},
			Dst:    destination(rnd.IntN(destinations)),
			Cookie: uint64(10_000 + i),
		}
		closed := open
		closed.Kind, closed.ClosedBy, closed.Duration = event.Close, event.Local, uint64(30_000+rnd.IntN(30_000))
		if i < maxBuckets {
			closed.Flags = event.TimeWait
		}
		at += event.Time(rnd.IntN(20_000))
		closed.Time = at
		b.events = append(b.events, open, closed)
		if at > next {
			b.now = at
			list = append(list, b)
			b, next = batch{}, at.Add(50*time.Millisecond)
		}
	}
	b.now = at
	return append(list, b)
}

// destination has an address of its own for each number.
func destination(n int) event.Endpoint {
	return event.Endpoint{Addr: event.Addr{10: 0xff, 11: 0xff, 12: 10, 13: byte(n >> 16), 14: byte(n >> 8), 15: byte(n)}, Port: 80}
}

func count(batches []batch) (n int) {
	for _, b := range batches {
		n += len(b.events)
	}
	return n
}

var loads = []struct {
	name                    string
	processes, destinations int
}{{"one", 1, 1}, {"hundred", 20, 100}, {"thousand", 4, 1024}, {"pairs", 20, 1024}, {"scan", 20, 300_000}}

func BenchmarkWrite(b *testing.B) {
	for _, load := range loads {
		b.Run(load.name, func(b *testing.B) {
			batches := storm(100_000, load.processes, load.destinations)
			var size int
			for b.Loop() {
				size = len(write(b, batches))
			}
			events := float64(count(batches))
			b.ReportMetric(float64(size)/events, "B/event")
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/events, "ns/event")
		})
	}
}

func BenchmarkRead(b *testing.B) {
	for _, load := range loads {
		file := write(b, storm(500_000, load.processes, load.destinations))
		b.Run(load.name, func(b *testing.B) {
			for b.Loop() {
				r := reader(b, file)
				for {
					if _, err := r.Read(b.Context()); err != nil {
						break
					}
				}
			}
			b.ReportMetric(float64(b.N)*1e6/b.Elapsed().Seconds()/1e6, "Mevents/s")
		})
		b.Run(load.name+"/snapshots", func(b *testing.B) {
			for b.Loop() {
				ahead := NewAhead(b.Context(), reader(b, file))
				if _, err := pipeline.Aggregate(b.Context(), ahead, pipeline.Options{}); err != nil && !errors.Is(err, io.EOF) {
					b.Fatal(err)
				}
				ahead.Close()
			}
			b.ReportMetric(float64(b.N)*1e6/b.Elapsed().Seconds()/1e6, "Mevents/s")
		})
	}
}
