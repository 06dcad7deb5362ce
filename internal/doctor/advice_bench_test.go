package doctor

import (
	"net/netip"
	"testing"

	"github.com/porttrace/porttrace/internal/event"
)

// BenchmarkAdvise is the advice for one finding on a host with a thousand port spaces.
func BenchmarkAdvise(b *testing.B) {
	l := narrowChurn("nginx")
	s := l.seen()
	ip := netip.MustParseAddr("10.78.0.1")
	for range 999 {
		ip = ip.Next()
		space, pair := s.PortSpaces[0], s.Pairs[0]
		space.Remote = event.Endpoint{Addr: event.AddrFrom(ip), Port: 80}
		pair.Remote = space.Remote
		s.PortSpaces, s.Pairs = append(s.PortSpaces, space), append(s.Pairs, pair)
	}
	for b.Loop() {
		advised(s, Churn, l.subject())
	}
}

// BenchmarkEffects is the simulation of all advice for one finding.
func BenchmarkEffects(b *testing.B) {
	l := narrowChurn("nginx")
	l.ports, l.wanted = defaultRange, 2000
	s := l.seen()
	f := advised(s, Churn, l.subject())
	for b.Loop() {
		Effects(s, f)
	}
}
