package verdict

import (
	"net/netip"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

var testNow = time.Date(2026, 11, 21, 5, 20, 26, 0, time.UTC)

// signals are all exact, but for those in another mode.
func signals(modes map[string]event.Mode) event.Signals {
	var all event.Signals
	for _, name := range event.SignalNames() {
		mode, ok := modes[name]
		if !ok {
			mode = event.Exact
		}
		all = append(all, event.Signal{Name: name, Mode: mode})
	}
	return all
}

func at(addr string, port uint16) event.Endpoint {
	return event.Endpoint{Addr: address(addr), Port: port}
}

func address(addr string) event.Addr { return event.AddrFrom(netip.MustParseAddr(addr)) }

func proc(pid uint32, comm string) event.Process {
	return event.Process{ID: event.ProcID{PID: pid, Start: 1}, Comm: comm}
}

var (
	backend  = at("10.77.0.2", 9000)
	database = at("10.77.0.2", 5432)
	narrow   = event.PortRange{Low: 40000, High: 40999}
)

const uxc = 4026532320

// spaceTo is a port space of 1,000 ports.
func spaceTo(remote event.Endpoint, change func(*snapshot.PortSpace)) snapshot.PortSpace {
	s := snapshot.PortSpace{
		Kind: snapshot.ConnectSpace, Netns: uxc, NetnsName: "uxc", Proto: event.TCP, Local: address("10.77.0.1"), Remote: remote,
		Range: narrow, Occupancy: event.Occupancy{Capacity: 1000}, TimeWaitLength: time.Minute, Textbook: 1000 / 60.0,
	}
	change(&s)
	return s
}

// noPort is a row of connects that found no port.
func noPort(p event.Process, remote event.Endpoint, count uint64, rate float64) snapshot.Failure {
	return snapshot.Failure{
		Proc: p, Netns: uxc, NetnsName: "uxc", Proto: event.TCP, Op: event.OpConnect, Errno: event.EADDRNOTAVAIL, Reason: event.RangeExhausted,
		Target: remote, Local: event.Endpoint{Addr: address("10.77.0.1")}, Count: count, Rate: rate, First: testNow.Add(-time.Minute), Last: testNow,
	}
}

// traced is a snapshot of four minutes.
func traced(change func(*snapshot.Snapshot)) *snapshot.Snapshot {
	s := &snapshot.Snapshot{Wall: testNow, Started: testNow.Add(-4 * time.Minute), Elapsed: 4 * time.Minute, Signals: signals(nil)}
	change(s)
	return s
}
