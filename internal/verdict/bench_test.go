package verdict

import (
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// BenchmarkOf is of a host on which 1,000 port spaces have no port left, among 10,000 processes
// and destinations.
func BenchmarkOf(b *testing.B) {
	s := traced(func(s *snapshot.Snapshot) {
		for i := range 10_000 {
			p, remote := proc(uint32(i+1), "app"+string(rune('a'+i%26))), at("10.77.0.2", uint16(i+1))
			s.Processes = append(s.Processes, snapshot.Process{Info: p, Rates: snapshot.Rates{Opens: 1}})
			s.Destinations = append(s.Destinations, snapshot.Destination{Netns: uxc, Proto: event.TCP, Remote: remote})
			s.Pairs = append(s.Pairs, snapshot.Pair{Proc: p.ID, Comm: p.Comm, Netns: uxc, Proto: event.TCP, Remote: remote, Totals: snapshot.Totals{Opens: 5}})
			if i >= 1000 {
				continue
			}
			s.Failures = append(s.Failures, noPort(p, remote, 5, 1))
			s.PortSpaces = append(s.PortSpaces, spaceTo(remote, func(p *snapshot.PortSpace) {
				p.TimeWait, p.Exhausted, p.LastExhausted, p.ExhaustedSince = 1000, 5, testNow, testNow.Add(-time.Minute)
			}))
		}
	})
	b.ReportAllocs()
	for b.Loop() {
		Of(s, nil)
	}
}
