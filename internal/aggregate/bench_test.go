package aggregate

import (
	"fmt"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/portspace"
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

var usualRange = event.PortRange{Low: 32768, High: 60999} // what Linux has by default

// fullSpaces is a state with spaces in which each port of the usual range is taken, by a
// connection or by a bucket. bound of the ports are taken by a bind() in addition.
func fullSpaces(spaces, bound int) *stream {
	s := newStreamOf(portspace.New(spaces * usualRange.Size()))
	s.Add([]event.Event{ranged(usualRange.Low, usualRange.High)})
	for i := range bound {
		s.Add([]event.Event{with(event.Bind, func(e *event.Event) {
			e.Src.Port, e.Dst, e.Proc.PID = usualRange.Low+uint16(i), event.Endpoint{}, uint32(1+i%4)
		})})
	}
	for i := range spaces {
		for port := usualRange.Low + uint16(bound); port <= usualRange.High; port++ {
			open := with(event.Open, func(e *event.Event) {
				e.Src.Port, e.Dst.Port, e.Proc.PID = port, uint16(1+i), uint32(1+port%4)
			})
			s.Add([]event.Event{open})
			if port%4 != 0 {
				open.Kind, open.Flags = event.Close, event.TimeWait
				s.Add([]event.Event{open})
			}
		}
	}
	return s
}

// BenchmarkSnapshotFull is the snapshot of a host that is out of ports towards 20 destinations.
func BenchmarkSnapshotFull(b *testing.B) {
	for _, bc := range []struct {
		name  string
		bound int
	}{
		{"connected", 0},
		{"bound", 28_000},
	} {
		b.Run(bc.name, func(b *testing.B) {
			s := fullSpaces(20, bc.bound)
			b.ReportAllocs()
			for b.Loop() {
				s.Snapshot(0)
			}
		})
	}
}

// BenchmarkMap is the holders of a full space, and the map besides.
func BenchmarkMap(b *testing.B) {
	for _, bc := range []struct {
		name   string
		bound  int
		mapped bool
	}{
		{"connected/holders", 0, false},
		{"connected/mapped", 0, true},
		{"bound/holders", 28_000, false},
		{"bound/mapped", 28_000, true},
	} {
		b.Run(bc.name, func(b *testing.B) {
			rows := newSpaceRows(fullSpaces(2, bc.bound).State)
			rows.connectSpaces()
			b.ReportAllocs()
			for b.Loop() {
				row := *rows.rows[0]
				row.mapped = bc.mapped
				rows.addHolders(&row)
			}
		})
	}
}

// BenchmarkSecond is what is measured at the end of each second.
func BenchmarkSecond(b *testing.B) {
	for _, bc := range []struct {
		name string
		make func() *stream
	}{
		{"4 full spaces", func() *stream { return fullSpaces(4, 0) }},
		{"4 full spaces with reuse", func() *stream {
			s := fullSpaces(4, 0)
			reuse := ranged(usualRange.Low, usualRange.High)
			reuse.Fact.(*event.Netns).Reuse = 1
			s.Add([]event.Event{reuse})
			return s
		}},
		{"20 full by bind", func() *stream { return fullSpaces(20, 28_000) }},
		{"100k spaces", func() *stream {
			s := of(ranged(usualRange.Low, usualRange.High))
			for i := range 100_000 {
				s.Add([]event.Event{with(event.Open, func(e *event.Event) {
					e.Dst.Addr[12], e.Dst.Port = byte(i>>14), uint16(1+i&0x3fff)
				})})
			}
			return s
		}},
	} {
		b.Run(bc.name, func(b *testing.B) {
			s := bc.make()
			at := begin
			b.ReportAllocs()
			for b.Loop() {
				at = at.Add(time.Second)
				s.fills.add(s.measure(&s.fills, at))
			}
		})
	}
}

// BenchmarkGrowth is a snapshot of ever more of one thing. What an item takes must not grow by more
// than the logarithm of their number.
func BenchmarkGrowth(b *testing.B) {
	for _, bc := range []struct {
		name string
		of   func(i int, e *event.Event) // makes each open another one
	}{
		{"sockets", func(i int, e *event.Event) { e.Src.Port, e.Dst.Port = uint16(1024+i%60_000), uint16(1+i/60_000) }},
		{"destinations", func(i int, e *event.Event) { e.Dst.Addr[12], e.Dst.Port = byte(i>>14), uint16(1+i&0x3fff) }},
		{"namespaces", func(i int, e *event.Event) { e.Netns = uint32(1 + i) }},
		{"processes", func(i int, e *event.Event) { e.Proc.PID, e.Src.Port = uint32(1+i), uint16(1024+i%60_000) }},
	} {
		for _, n := range []int{1_000, 10_000, 100_000} {
			b.Run(fmt.Sprintf("%s/%d", bc.name, n), func(b *testing.B) {
				s := of(ranged(1024, 65535))
				for i := range n {
					s.Add([]event.Event{with(event.Open, func(e *event.Event) { bc.of(i, e) })})
				}
				b.ReportAllocs()
				for b.Loop() {
					s.Snapshot(0)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/item")
			})
		}
	}
}

// BenchmarkAfterStorm is a snapshot of a host on which nothing happens any more, a while after a
// storm of 120,000 connections from loopback towards 1,024 destinations: with all of their buckets,
// and with none.
func BenchmarkAfterStorm(b *testing.B) {
	for _, later := range []time.Duration{10 * time.Second, 50 * time.Second, 150 * time.Second} {
		b.Run(later.String(), func(b *testing.B) {
			s := newStreamOf(portspace.New(portspace.Limit))
			reuse := ranged(1024, 65535)
			reuse.Fact.(*event.Netns).Reuse = 1
			s.Add([]event.Event{reuse})
			stream := load(1, 1024, 120_000)
			for i := range stream {
				stream[i].Src.Port = uint16(2000 + i/2/1024)
			}
			s.Add(stream)
			at := stream[len(stream)-1].Time.Add(later)
			s.State.Snapshot(at)
			b.ReportAllocs()
			for b.Loop() {
				at = at.Add(100 * time.Millisecond)
				s.State.Snapshot(at)
			}
		})
	}
}
