package tui

import (
	"fmt"
	"testing"

	"github.com/porttrace/porttrace/internal/snapshot"
)

// crowded is a host with very many rows of each kind.
func crowded(rows int) *snapshot.Snapshot {
	s := fixture()
	for i := range rows {
		p := s.Processes[i%5]
		p.Info.ID.PID, p.Info.ID.Start = uint32(10_000+i), uint64(i)
		p.Info.Comm = fmt.Sprintf("worker-%d", i)
		p.Rates.Opens = float64(i * 7919 % 10_007)
		s.Processes = append(s.Processes, p)
		d := s.Destinations[i%4]
		d.Remote.Port = uint16(i)
		s.Destinations = append(s.Destinations, d)
		f := s.Failures[i%4]
		f.Target.Port = uint16(i)
		s.Failures = append(s.Failures, f)
		space := s.PortSpaces[i%3]
		space.Remote.Port = uint16(i)
		s.PortSpaces = append(s.PortSpaces, space)
	}
	return s
}

// BenchmarkView is what a frame costs.
func BenchmarkView(b *testing.B) {
	for _, tab := range []string{"1", "2", "3", "4"} {
		m := screen(160, 50, crowded(10_000), tab, "end")
		b.Run(tabNames[m.tab], func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				m.View()
			}
		})
	}
}

// BenchmarkUpdate is what a new snapshot costs: filter, sort, find the cursor.
func BenchmarkUpdate(b *testing.B) {
	s := crowded(10_000)
	for name, keys := range map[string][]string{"all": {"2", "end"}, "filter": {"2", "/", "worker 7", "enter", "end"}, "group": {"2", "g"}} {
		m := screen(160, 50, s, keys...)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				m.Update(snapshotMsg{snapshot: s})
			}
		})
	}
}
