package probe

import (
	"testing"

	"github.com/porttrace/porttrace/internal/event"
)

// BenchmarkDecode decodes a batch of the size that a storm makes in 50 ms, as drain does.
func BenchmarkDecode(b *testing.B) {
	sock := bpfSockEvent{
		Cookie: 7, Duration: 5, Flags: uint32(bpfEventFlagFLAG_TIME_WAIT), Netns: hostNetns, Sport: 40000, Dport: 80,
		Direction: uint8(event.Out), Proto: uint8(event.TCP), ClosedBy: uint8(bpfEventClosedByCLOSED_BY_LOCAL),
		Saddr: endpoint("127.0.0.1:0").Addr, Daddr: endpoint("127.0.0.1:0").Addr,
	}
	sock.Head.Kind, sock.Head.Pid, sock.Head.Start = uint32(bpfEventKindKIND_CLOSE), 77, 123456789012
	small := smallOf(&sock)
	for _, c := range []struct {
		name string
		raw  []byte
	}{{"conn_event", recordOf(&small)}, {"sock_event", recordOf(&sock)}} {
		b.Run(c.name, func(b *testing.B) {
			const batch = 5000
			events := make([]event.Event, 0, batch)
			b.ReportAllocs()
			for b.Loop() {
				if len(events) == batch {
					events = events[:0]
				}
				events = append(events, event.Event{})
				if _, err := decode(c.raw, &events[len(events)-1]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
