package pipeline

import (
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// BenchmarkHead is what the beginning of a recording in the middle of a run costs that run: with
// 28,000 sockets in one namespace.
func BenchmarkHead(b *testing.B) {
	const sockets = 28_000
	s := newState(nil, true, false)
	at := event.Time(time.Hour)
	events := []event.Event{{Time: at, Kind: event.NetnsKnown, Fact: &event.Netns{Inode: 1, TimeWait: -1, Ports: event.PortRange{Low: 32768, High: 60999}}}}
	for i := range sockets {
		e := open(at, shop)
		e.Netns, e.Src.Port, e.Dst.Addr[15] = 1, uint16(32768+i), byte(i%40)
		events = append(events, e)
	}
	s.addAll(events, &output{})
	var n int
	for b.Loop() {
		n = 0
		_ = s.EachHead(at, func(*event.Event, *event.World) error { n++; return nil })
	}
	if n != sockets+1 {
		b.Fatalf("%d events", n)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/socket")
}
