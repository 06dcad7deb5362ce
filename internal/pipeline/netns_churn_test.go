package pipeline

import (
	"runtime"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// Namespaces that come and go leave their sums, and no memory: after 10,000 of them a state is as
// large as after 4,000, when it has as many rows of failures as it keeps.
func TestNetnsChurn(t *testing.T) {
	const (
		many      = 2000
		perSecond = 10
		conns     = 20
	)
	state := NewState(nil)
	at, next := event.Time(100*time.Second), uint32(1)
	churn := func(n int) (heap int64) {
		for range n / perSecond {
			for range perSecond {
				addNetns(t, state, at, next, conns)
				next++
			}
			at = at.Add(time.Second)
		}
		for range 3 { // their rows age out
			at = at.Add(time.Minute)
			state.Snapshot(at)
		}
		return heapInUse()
	}
	first := churn(2 * many)
	then := churn(3 * many)
	snap := state.Snapshot(at)
	if want := uint64(5 * many * conns); snap.Totals.Opens != want || snap.Totals.Closes() != want || snap.Totals.ConnectFailures != 5*many {
		t.Errorf("%+v; want %d opens and closes, %d failures", snap.Totals, want, 5*many)
	}
	if len(snap.Namespaces) != 0 || len(snap.PortSpaces) != 0 || snap.Totals.Live() != 0 {
		t.Errorf("%d namespaces, %d port spaces and %d live connections are left", len(snap.Namespaces), len(snap.PortSpaces), snap.Totals.Live())
	}
	t.Logf("%.1f MiB after %d, %.1f MiB after %d", float64(first)/(1<<20), 2*many, float64(then)/(1<<20), 5*many)
	if then > first+1<<20 {
		t.Errorf("%d bytes after %d namespaces, %d after %d", first, 2*many, then, 5*many)
	}
	runtime.KeepAlive(state)
}

// addNetns adds a namespace, the connections of a program in it, and its end.
func addNetns(t *testing.T, state *State, at event.Time, inode uint32, conns int) {
	t.Helper()
	p := shop // one for all: how many processes are kept is another limit
	netns := event.Netns{
		Inode: inode, Name: "pod", Cookie: uint64(inode), Ports: event.PortRange{Low: 32768, High: 60999},
		MaxTimeWait: 65536, FinTimeout: uint64(time.Minute),
	}
	events := []event.Event{
		fact(at, event.NetnsKnown, &netns), fact(at, event.NetnsCounted, &event.NetnsCounts{Netns: inode}),
	}
	for i := range conns {
		for _, kind := range []event.Kind{event.Open, event.Close} {
			e := on(uint16(40_000+i), socket(at, kind, p, 0))
			e.Netns, e.Dst.Port = inode, uint16(1000+i%5)
			if kind == event.Close {
				e.Flags |= event.TimeWait
			}
			events = append(events, e)
		}
	}
	failed := socket(at, event.ConnectFail, p, 0)
	failed.Netns, failed.Src.Port = inode, 0
	ended := netns
	ended.Gone = true
	events = append(events, failed, fact(at, event.NetnsKnown, &ended))
	if err := state.Add(event.Batch{Events: events, Now: at}, nil); err != nil {
		t.Fatal(err)
	}
}
