package live

import (
	"net/netip"

	"github.com/porttrace/porttrace/internal/event"
)

const (
	netns1 = 7
	netns2 = 8

	// later is a time after that of the clock of any host that runs this.
	later = event.Time(1 << 62)
)

var (
	nginx  = event.ProcID{PID: 100, Start: 1}
	worker = event.ProcID{PID: 101, Start: 2}
)

func endpoint(s string) event.Endpoint {
	a := netip.MustParseAddrPort(s)
	return event.Endpoint{Addr: event.AddrFrom(a.Addr()), Port: a.Port()}
}

// connection is an event of a connection in netns1.
func connection(kind event.Kind, direction event.Direction, src, dst string, change ...func(*event.Event)) event.Event {
	e := event.Event{
		Kind: kind, Direction: direction, Proto: event.TCP, Netns: netns1, Src: endpoint(src), Dst: endpoint(dst), Count: 1,
	}
	for _, c := range change {
		c(&e)
	}
	return e
}

func accepted(kind event.Kind, change ...func(*event.Event)) event.Event {
	return connection(kind, event.In, "10.0.0.1:80", "10.0.0.9:50000", change...)
}

func orphan(change ...func(*event.Event)) event.Event {
	return connection(event.Close, event.Out, "10.0.0.1:40000", "10.0.0.2:80", append([]func(*event.Event){
		func(e *event.Event) { e.Flags, e.Inferred = event.FinWait2, event.FieldTimeWait },
	}, change...)...)
}

func listen(p event.ProcID, netns uint32, src string) event.Event {
	return event.Event{Kind: event.Listen, Proto: event.TCP, Netns: netns, Proc: p, Src: endpoint(src)}
}

func flags(f event.Flags) func(*event.Event) { return func(e *event.Event) { e.Flags |= f } }

func by(p event.ProcID) func(*event.Event) { return func(e *event.Event) { e.Proc = p } }

func in(netns uint32) func(*event.Event) { return func(e *event.Event) { e.Netns = netns } }

func at(t event.Time) func(*event.Event) { return func(e *event.Event) { e.Time = t } }

func ports(events []event.Event) (list []uint16) {
	for i := range events {
		list = append(list, events[i].Src.Port)
	}
	return list
}
