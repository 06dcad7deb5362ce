package pipeline

import (
	"fmt"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

const (
	stormEvery = 20 * time.Microsecond // a connection
	stormBatch = 50 * time.Millisecond // what a source reads at a time
)

// storm is a second of 50,000 connections, each with an open and a close that leaves a TIME_WAIT, of
// 20 processes towards some destinations, in the batches of a live source.
func storm(destinations int) (batches []event.Batch) {
	var b event.Batch
	for i := range int(time.Second / stormEvery) {
		e := open(event.Time(time.Hour).Add(time.Duration(i)*stormEvery), event.ProcID{PID: uint32(1 + i%20), Start: 1})
		e.Netns, e.Src.Port = 1, uint16(32768+i/destinations%28_000)
		to := i % destinations
		e.Dst.Addr = event.Addr{10: 0xff, 11: 0xff, 12: 127, 14: byte(to >> 8), 15: byte(to)}
		e.Cookie = uint64(i + 1)
		end := e
		end.Kind, end.Flags, end.Duration, end.ClosedBy = event.Close, event.TimeWait, uint64(i%1000)*uint64(time.Microsecond), event.Local
		b.Events = append(b.Events, e, end)
		if b.Now = e.Time; (i+1)%int(stormBatch/stormEvery) == 0 {
			batches, b = append(batches, b), event.Batch{}
		}
	}
	return batches
}

// BenchmarkStorm is what an event costs from the source to the rows, with the socket table.
func BenchmarkStorm(b *testing.B) {
	for _, destinations := range []int{1, 1024, 4000} {
		b.Run(fmt.Sprint(destinations), func(b *testing.B) {
			s := NewState(nil)
			usual := event.Netns{Inode: 1, TimeWait: -1, Ports: event.PortRange{Low: 32768, High: 60999}}
			s.addAll([]event.Event{{Time: event.Time(time.Hour), Kind: event.NetnsKnown, Fact: &usual}}, &output{})
			batches := storm(destinations)
			events := 0
			b.ReportAllocs()
			for b.Loop() {
				for i := range batches {
					_ = s.Add(batches[i], nil)
					events += len(batches[i].Events)
					for j := range batches[i].Events {
						e := &batches[i].Events[j]
						e.Time, e.Cookie = e.Time.Add(time.Second), e.Cookie+100_000
					}
				}
			}
			b.ReportMetric(float64(events)/b.Elapsed().Seconds()/1e6, "Mevents/s")
		})
	}
}
