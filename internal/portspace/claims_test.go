package portspace

import (
	"slices"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// counted is closes of a process towards 10.0.0.2:80 that were only counted, and left buckets.
func counted(p event.ProcID, buckets uint64, change ...func(*event.Event)) event.Event {
	e := socketEvent(event.Folded, "10.0.0.1:0", "10.0.0.2:80", append(change, by(p))...)
	e.Src, e.Fact = event.Endpoint{}, &event.Fold{ClosesOut: buckets, TimeWaitOut: buckets}
	return e
}

// scanBuckets lets a scan find buckets without a process at ports, as the pipeline does. It
// returns how many new ones it has given to each process.
func scanBuckets(t *Table, seconds int, first, last uint16) map[event.ProcID]int {
	moment := start.Add(time.Duration(seconds) * time.Second)
	scan := &event.NetnsScan{Census: event.Census{Netns: net1, Bound: true}}
	for port := first; port <= last; port++ {
		e := socketEvent(event.SocketFound, "10.0.0.1:1", "10.0.0.2:80", by(event.ProcID{}), inState(event.StateTimeWait), ending(time.Minute))
		e.Src.Port = port
		addFound(&scan.Sockets, &e)
	}
	events := slices.Collect(t.Reconcile(Found{NetnsScan: scan, At: moment, Unsettled: func(Port) bool { return false }}))
	t.Add(&event.Event{Time: moment, Kind: event.CensusTaken, Fact: &scan.Census})
	found := map[event.ProcID]int{}
	for _, e := range events {
		if e.Kind == event.SocketFound {
			found[e.Proc]++
			if inferred := e.Inferred&event.FieldPID != 0; inferred != e.Proc.Known() {
				panic("the owner of a bucket is inferred, or not known")
			}
		}
		t.Add(&e)
	}
	return found
}

// The buckets of closes that were only counted are of the processes that closed, in proportion.
func TestClaims(t *testing.T) {
	t.Parallel()
	unknown := event.ProcID{}
	table := tableOf(config(hundred, ""))
	add := func(events ...event.Event) {
		for i := range events {
			table.Add(&events[i])
		}
	}
	expect := func(what string, got, want map[event.ProcID]int) {
		t.Helper()
		for _, p := range []event.ProcID{shop, cache, unknown} {
			if got[p] != want[p] {
				t.Errorf("%s: %v, want %v", what, got, want)
				return
			}
		}
	}
	expect("no process has closed", scanBuckets(table, 0, 40000, 40003), map[event.ProcID]int{unknown: 4})
	add(counted(shop, 20), counted(shop, 10), counted(cache, 10, flags(event.NotSelected)))
	expect("three to one, of more than there are", scanBuckets(table, 1, 40000, 40023), map[event.ProcID]int{shop: 15, cache: 5})
	expect("found again", scanBuckets(table, 2, 40000, 40023), nil)
	if at := table.socket(PortOf(&event.Event{Netns: net1, Src: endpoint("10.0.0.1:40023"), Dst: endpoint("10.0.0.2:80")})); at.Proc == cache != at.Flags.Has(event.NotSelected) {
		t.Errorf("the filter leaves out the cache, the bucket is %+v", at)
	}
	add(counted(cache, 5))
	expect("the scan before was running", scanBuckets(table, 3, 40000, 40027), map[event.ProcID]int{cache: 4})
	expect("found by the next scan", scanBuckets(table, 4, 40000, 40028), map[event.ProcID]int{cache: 1})
	expect("long ago", scanBuckets(table, 5, 40000, 40029), map[event.ProcID]int{unknown: 1})
}

// Claims are bounded.
func TestClaimsBound(t *testing.T) {
	t.Parallel()
	table := tableOf(config(hundred, ""))
	for i := range 2 * maxClaimed {
		e := counted(shop, 1)
		e.Dst.Addr[13], e.Dst.Addr[14] = byte(i>>8), byte(i)
		table.Add(&e)
		other := counted(event.ProcID{PID: uint32(1000 + i), Start: 1}, 1)
		table.Add(&other)
	}
	n := table.Netns(net1)
	if len(n.claims) != maxClaimed || len(n.claims[endpoint("10.0.0.2:80")]) != maxClaimants {
		t.Errorf("%d destinations, %d claimants of one", len(n.claims), len(n.claims[endpoint("10.0.0.2:80")]))
	}
}
