package main

import (
	"fmt"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// load is how much there is of each thing.
type load struct{ sockets, destinations, namespaces, programs int }

// usual is the load of which one thing grows.
var usual = load{sockets: 1000, destinations: 100, namespaces: 1, programs: 20}

// axis is a thing that grows, up to a size: a host with more namespaces or programs is none.
type axis struct {
	name string
	most int
	of   func(*load) *int
}

var axes = []axis{
	{"sockets", 500_000, func(l *load) *int { return &l.sockets }},
	{"destinations", 500_000, func(l *load) *int { return &l.destinations }},
	{"namespaces", 10_000, func(l *load) *int { return &l.namespaces }},
	{"programs", 50_000, func(l *load) *int { return &l.programs }},
}

// loads returns the loads of an axis, smallest first, from a thousand, and of what there is less
// from ten: 1, 2 and 5 times each power of ten.
func (a axis) loads(most int) (list []load) {
	most = min(most, a.most)
	least := 1000
	if a.most < 100_000 {
		least = 10
	}
	for decade := least; decade <= most; decade *= 10 {
		for _, times := range []int{1, 2, 5} {
			l := usual
			*a.of(&l) = decade * times
			if decade*times <= most {
				list = append(list, l)
			}
		}
	}
	return list
}

// The load has one end in all namespaces, and destinations of 10.0.0.0/8. A full range of ports
// has more of them than sockets have to one destination.
const (
	firstNetns = 4026531840
	lowPort    = 1024
	highPort   = 65535
	dstPort    = 443
)

var source = event.Addr{10: 0xff, 11: 0xff, 12: 192, 14: 2, 15: 1}

// size returns the number of connections by which everything has been seen once.
func (l load) size() int { return max(l.sockets, l.destinations, l.namespaces, l.programs) }

// connection returns the opening of one. Those with the same number are the same.
func (l load) connection(i int, at event.Time) event.Event {
	to := i % l.destinations
	dst := event.Addr{10: 0xff, 11: 0xff, 12: 10, 13: byte(to >> 16), 14: byte(to >> 8), 15: byte(to)}
	port := lowPort + (i/l.destinations)%(highPort-lowPort)
	return event.Event{
		Time: at, Kind: event.Open, Direction: event.Out, Proto: event.TCP, Netns: l.netns(i), Count: 1,
		Proc: l.program(i), Cookie: uint64(i + 1),
		Src: event.Endpoint{Addr: source, Port: uint16(port)}, Dst: event.Endpoint{Addr: dst, Port: dstPort},
	}
}

func (l load) netns(i int) uint32 { return firstNetns + uint32(i%l.namespaces) }

func (l load) program(i int) event.ProcID {
	return event.ProcID{PID: uint32(1 + i%l.programs), Start: 1}
}

// closed returns the close of a connection, without a bucket.
func closed(open event.Event, at event.Time) event.Event {
	open.Time, open.Kind, open.ClosedBy, open.Duration = at, event.Close, event.Remote, uint64(time.Millisecond)
	return open
}

// facts returns what comes before connections: namespaces and processes.
func (l load) facts(at event.Time) (list []event.Event) {
	list = append(list, event.Event{Time: at, Kind: event.ClockAnchor, Fact: event.Clock{Mono: at, Wall: 1_800_000_000e9, Boot: int64(at)}})
	for i := range l.namespaces {
		list = append(list, event.Event{Time: at, Kind: event.NetnsKnown, Fact: &event.Netns{
			Inode: l.netns(i), Name: fmt.Sprint("pod-", i), Ports: event.PortRange{Low: lowPort, High: highPort}, MaxTimeWait: 1 << 20,
		}})
	}
	for i := range l.programs {
		name := fmt.Sprint("program-", i)
		list = append(list, event.Event{Time: at, Kind: event.ProcessKnown, Fact: &event.Process{
			ID: l.program(i), Comm: name, Exe: "/usr/bin/" + name, CommandLine: "/usr/bin/" + name + " --config /etc/" + name + ".conf",
		}})
	}
	return list
}

// scan returns what a scan of all namespaces finds: the live sockets.
func (l load) scan(at event.Time) *event.Scan {
	found := make([][]event.FoundSocket, l.namespaces)
	for i := range l.sockets {
		e := l.connection(i, at)
		found[i%l.namespaces] = append(found[i%l.namespaces], event.FoundSocket{
			Cookie: e.Cookie, Proc: e.Proc, Src: e.Src, Dst: e.Dst, State: event.StateEstablished, Direction: e.Direction,
		})
	}
	scan := &event.Scan{At: at}
	for i, sockets := range found {
		census := event.Census{Netns: l.netns(i), Bound: true, Sockets: uint64(len(sockets)), Began: at}
		scan.Netns = append(scan.Netns, event.NetnsScan{Census: census, Sockets: event.FoundOf(sockets...)})
	}
	return scan
}
