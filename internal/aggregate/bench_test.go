package aggregate

import (
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// load is connections of some processes towards some destinations, one after another, as
// a ring delivers them: each makes an open and a close with a TIME_WAIT.
func load(processes, destinations, connections int) []event.Event {
	var stream []event.Event
	for i := range connections {
		at := time.Duration(i) * 20 * time.Microsecond
		one := func(kind event.Kind, f event.Flags) event.Event {
			return after(at, with(kind, func(e *event.Event) {
				e.Proc = event.ProcID{PID: uint32(1 + i%processes), Start: 1}
				e.Dst.Port = uint16(1 + i%destinations)
				e.Flags, e.Duration = f, uint64(i%1000)*uint64(time.Microsecond)
			}))
		}
		stream = append(stream, one(event.Open, 0), one(event.Close, event.TimeWait))
	}
	return stream
}

func BenchmarkAdd(b *testing.B) {
	for _, bc := range []struct {
		name                    string
		processes, destinations int
	}{
		{"one", 1, 1},
		{"hundred", 20, 100},
		{"thousands", 2000, 4000},
	} {
		b.Run(bc.name, func(b *testing.B) {
			const connections = 50_000
			stream := load(bc.processes, bc.destinations, connections)
			s := newStream()
			b.ReportAllocs()
			for b.Loop() {
				s.Add(stream)
				for i := range stream {
					stream[i].Time += event.Time(connections * 20 * time.Microsecond)
				}
			}
			b.ReportMetric(float64(b.N)*float64(len(stream))/b.Elapsed().Seconds()/1e6, "Mevents/s")
		})
	}
}

func BenchmarkSnapshot(b *testing.B) {
	for _, bc := range []struct {
		name string
		rows int
	}{
		{"1k", 1000},
		{"8k", 8000},
	} {
		b.Run(bc.name, func(b *testing.B) {
			s := of(load(bc.rows, bc.rows, 100_000)...)
			b.ReportAllocs()
			for b.Loop() {
				s.Snapshot(0)
			}
		})
	}
}
