package doctor

import (
	"fmt"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// rows is a snapshot with n rows of each kind, a tenth of the port spaces in trouble.
func rows(n int) *snapshot.Snapshot {
	s := &snapshot.Snapshot{Wall: judgedAt, Started: judgedAt.Add(-time.Hour), Elapsed: time.Hour}
	s.Namespaces = []snapshot.Namespace{{Inode: inode, Name: "host", Ports: event.PortRange{Low: 32768, High: 60999}, Capacity: 28232}}
	for i := range n {
		to := endpoint("10.1.0.0:443")
		to.Addr[14], to.Addr[15] = byte(i>>8), byte(i)
		proc := event.Process{ID: event.ProcID{PID: uint32(i + 1), Start: 1}, Comm: fmt.Sprint("program", i%50), Exe: "/usr/bin/program"}
		s.Processes = append(s.Processes, snapshot.Process{Info: proc, Totals: snapshot.Totals{Opens: 100}})
		s.Pairs = append(s.Pairs, snapshot.Pair{Proc: proc.ID, Comm: proc.Comm, Netns: inode, Proto: event.TCP, Remote: to, Totals: snapshot.Totals{Opens: 100}})
		s.Destinations = append(s.Destinations, snapshot.Destination{
			Netns: inode, Proto: event.TCP, Remote: to, History: snapshot.HistoryOf(make([]snapshot.Point, snapshot.HistorySeconds)...),
		})
		space := snapshot.PortSpace{
			Kind: snapshot.ConnectSpace, Netns: inode, Proto: event.TCP, Local: local.Addr, Remote: to, Range: s.Namespaces[0].Ports,
			Occupancy: event.Occupancy{Capacity: 28232, TimeWait: 100}, Holders: []snapshot.Holder{{Proc: proc, HeldCount: snapshot.HeldCount{TimeWait: 100}}},
		}
		failure := snapshot.Failure{Proc: proc, Netns: inode, Proto: event.TCP, Op: event.OpConnect, Target: to, Reason: event.Refused, Count: 3, Last: judgedAt}
		if i < n/10 {
			space.TimeWait, space.Exhausted, space.LastExhausted, space.Holders[0].TimeWait = 28232, 7, judgedAt, 28232
			failure.Reason = event.RangeExhausted
		}
		s.PortSpaces, s.Failures = append(s.PortSpaces, space), append(s.Failures, failure)
	}
	return s
}

func BenchmarkJudge(b *testing.B) {
	for _, n := range []int{100, 1000} {
		healthy := rows(n)
		for i := range healthy.PortSpaces {
			healthy.PortSpaces[i].Exhausted, healthy.PortSpaces[i].TimeWait = 0, 100
		}
		one := rows(n)
		for i := 1; i < n; i++ {
			one.PortSpaces[i].Exhausted, one.PortSpaces[i].TimeWait = 0, 100
		}
		for name, s := range map[string]*snapshot.Snapshot{"healthy": healthy, "one": one, "tenth": rows(n)} {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					Judge(s)
				}
			})
		}
	}
}
