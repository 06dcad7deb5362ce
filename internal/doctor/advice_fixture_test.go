package doctor

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

const testNetns = 4026531840

var testWall = time.Date(2026, 11, 27, 3, 12, 0, 0, time.UTC)

func addr(text string) event.Addr { return event.AddrFrom(netip.MustParseAddr(text)) }

func end(text string) event.Endpoint {
	a := netip.MustParseAddrPort(text)
	return event.Endpoint{Addr: event.AddrFrom(a.Addr()), Port: a.Port()}
}

func procOf(name string) event.Process {
	return event.Process{ID: event.ProcID{PID: 4242, Start: 7}, Comm: name, Exe: "/usr/bin/" + name}
}

// load is a steady load of a program towards one remote end, as tests make it up.
type testLoad struct {
	proc     event.Process
	remote   string
	wanted   float64       // connections per second
	life     time.Duration // of each
	share    float64       // that leave a bucket here
	ports    event.PortRange
	reserved string
}

func narrowChurn(program string) testLoad {
	return testLoad{
		proc: procOf(program), remote: "10.77.0.2:9000", wanted: 200, life: 70 * time.Millisecond, share: 1,
		ports: event.PortRange{Low: 40000, High: 40999},
	}
}

// seen returns the snapshot of the load after some minutes.
func (l testLoad) seen() *snapshot.Snapshot {
	reserved := event.ParsePortSet(l.reserved)
	room := capacity(l.ports, reserved)
	need := int(l.wanted * (l.life.Seconds() + l.share*61.44))
	live := min(int(l.wanted*l.life.Seconds()), room)
	inUse := min(need, room)
	opens := l.wanted
	var exhausted uint64
	if need > room {
		opens = float64(room) / (l.life.Seconds() + l.share*61.44)
		exhausted = uint64((l.wanted - opens) * 100)
	}
	space := snapshot.PortSpace{
		Kind: snapshot.ConnectSpace, Netns: testNetns, NetnsName: "host", Proto: event.TCP,
		Local: addr("10.77.0.1"), Remote: end(l.remote), Range: l.ports,
		Occupancy: event.Occupancy{Capacity: room, Live: live, TimeWait: inUse - live},
		Peak:      inUse, OpenRate: opens, Wanted: l.wanted, TimeWaitLength: time.Minute,
		Exhausted: exhausted, Opens: uint64(opens * 120),
		Holders: []snapshot.Holder{{Proc: l.proc, HeldCount: snapshot.HeldCount{Live: live, TimeWait: inUse - live}}},
	}
	if exhausted > 0 {
		space.LastExhausted, space.ExhaustionRate = testWall, l.wanted-opens
		space.Victims = []snapshot.Victim{{Proc: l.proc, Failures: exhausted, Last: testWall}}
		space.FullSince = testWall.Add(-time.Minute)
	}
	totals := snapshot.Totals{Opens: space.Opens, ClosesOut: space.Opens, TimeWaitEntered: uint64(l.share * float64(space.Opens)), TimeWaitOut: int64(inUse - live), LifetimeP50: l.life}
	pair := snapshot.Pair{Proc: l.proc.ID, Comm: l.proc.Comm, Netns: testNetns, NetnsName: "host", Proto: event.TCP, Remote: space.Remote, Totals: totals}
	for range 100 {
		pair.Lifetimes.Add(l.life)
	}
	var history []snapshot.Point
	for range snapshot.HistorySeconds {
		history = append(history, snapshot.Point{Opens: uint32(opens), Closes: uint32(opens), Failures: uint32(l.wanted - opens)})
	}
	return &snapshot.Snapshot{
		Wall: testWall, Started: testWall.Add(-10 * time.Minute), Elapsed: 10 * time.Minute,
		Host:       event.Host{Kernel: "6.12.0"},
		PortSpaces: []snapshot.PortSpace{space},
		Namespaces: []snapshot.Namespace{{
			Inode: testNetns, Name: "host", Ports: l.ports, Reserved: l.reserved, Capacity: room, Reuse: 2, MaxTimeWait: 131072,
			Timestamps: event.SettingOf(1), FinTimeout: time.Minute, TimeWaitLength: time.Minute,
			ListenPorts: []event.PortRange{{Low: 22, High: 22}, {Low: 8080, High: 8080}},
		}},
		Pairs:        []snapshot.Pair{pair},
		Processes:    []snapshot.Process{{Info: l.proc, Totals: totals, Last: testWall, Lifetimes: pair.Lifetimes, Destinations: []snapshot.Pair{pair}, Rates: snapshot.Rates{Opens: opens}}},
		Destinations: []snapshot.Destination{{Netns: testNetns, Proto: event.TCP, Remote: space.Remote, Totals: totals, History: snapshot.HistoryOf(history...)}},
	}
}

func (l testLoad) subject() Subject {
	return Subject{Netns: testNetns, Proc: l.proc.ID, Local: addr("10.77.0.1"), Remote: end(l.remote)}
}

// advised returns a finding with its advice, without the effects: those take longer.
func advised(s *snapshot.Snapshot, cause Cause, subject Subject) *Finding {
	f := &Finding{Cause: cause, Subject: subject}
	newPlanner(s).advise(f)
	return f
}

// simulated returns one with the effects of its advice.
func simulated(s *snapshot.Snapshot, cause Cause, subject Subject) *Finding {
	f := advised(s, cause, subject)
	Effects(s, f)
	return f
}

func show(f *Finding) (text string) {
	for _, a := range f.Advice {
		text += fmt.Sprintf("\n[%s] %s\n%s\nundo: %s\nrisk: %s\neffect: %s\n", a.Safety, a.Action, a.Command, a.Undo, a.Risk, a.Effect)
	}
	return text
}
