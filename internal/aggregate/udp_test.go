package aggregate

import (
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

var udpRange = event.PortRange{Low: 40000, High: 40099}

func udpCounted(addr string, inUse, own uint32, holders ...event.UDPHolder) event.Event {
	return event.Event{
		Time: begin, Kind: event.UDPCounted, Proto: event.UDP, Netns: inode, Src: event.Endpoint{Addr: endpoint(addr + ":0").Addr}, Count: 1,
		Fact: &event.UDPUse{Netns: inode, InUse: inUse, Own: own, Ports: udpRange, Holders: holders},
	}
}

func noUDPPort(addr string, n uint64) event.Event {
	return with(event.BindFail, func(e *event.Event) {
		e.Proto, e.Op, e.Errno, e.Reason, e.Dst, e.Direction = event.UDP, event.OpAutobind, event.EAGAIN, event.RangeExhausted, event.Endpoint{}, event.Unknown
		e.Src, e.Count = event.Endpoint{Addr: endpoint(addr + ":0").Addr}, n
	})
}

func udpRows(snap *snapshot.Snapshot) (rows []snapshot.PortSpace) {
	for _, p := range snap.PortSpaces {
		if p.Proto == event.UDP {
			rows = append(rows, p)
		}
	}
	return rows
}

// A space of UDP has a row from a share of its own sockets on, with holders; an idle host has none.
func TestUDPRow(t *testing.T) {
	t.Parallel()
	s := of(ranged(40000, 40099), known(nginx, "dns"),
		udpCounted("0.0.0.0", 90, 90, event.UDPHolder{Proc: nginx, Ports: 80}, event.UDPHolder{Ports: 4}),
		udpCounted("10.0.0.1", 90, 4)) // all but 4 are those of any address
	rows := udpRows(s.Snapshot(begin.Add(time.Second)))
	if len(rows) != 1 {
		t.Fatalf("%d rows: %+v", len(rows), rows)
	}
	p := &rows[0]
	if p.Kind != snapshot.BindSpace || p.Local != endpoint("0.0.0.0:0").Addr || p.Capacity != 100 || p.Bound != 90 || p.InUse() != 90 || p.Peak != 90 {
		t.Errorf("%+v", p)
	}
	if !p.AtRisk(p.PeakAt) || p.Exhausted != 0 || len(p.Victims) != 0 {
		t.Errorf("%+v", p)
	}
	if len(p.Holders) != 2 || p.Holders[0].Proc.Comm != "dns" || p.Holders[0].Bound != 80 || p.Holders[1].Bound != 4 || p.OtherHolders.Bound != 6 {
		t.Errorf("holders %+v and %+v", p.Holders, p.OtherHolders)
	}
	s.Add([]event.Event{after(5*time.Second, udpCounted("0.0.0.0", 4, 4))})
	if rows := udpRows(s.Snapshot(begin.Add(5 * time.Second))); len(rows) != 0 {
		t.Errorf("with 4 ports in use: %+v", rows)
	}
}

// Calls that found no port make a row, with victims, even before the sockets were counted.
func TestUDPExhausted(t *testing.T) {
	t.Parallel()
	s := of(anchored, ranged(40000, 40099), known(shop, "shop"), noUDPPort("0.0.0.0", 3))
	rows := udpRows(s.Snapshot(begin))
	if len(rows) != 1 || rows[0].Capacity != 0 || rows[0].Exhausted != 3 || len(rows[0].Victims) != 1 || rows[0].Victims[0].Failures != 3 {
		t.Fatalf("before a count: %+v", rows)
	}
	s.Add([]event.Event{after(4*time.Second, udpCounted("0.0.0.0", 100, 100)), after(5*time.Second, noUDPPort("0.0.0.0", 1))})
	p := udpRows(s.Snapshot(begin.Add(6 * time.Second)))[0]
	if !p.IsFull() || p.Headroom() != 0 || p.Exhausted != 4 || !p.FullSince.Equal(anchored.Fact.(event.Clock).WallTime(begin.Add(4*time.Second))) || p.FullBeforeStart {
		t.Errorf("full: %+v", p)
	}
	if f := p.Outlook(); !f.Known || f.ETA != 0 {
		t.Errorf("outlook %+v", f)
	}
	// TCP has ports of its own.
	for _, other := range s.Snapshot(begin.Add(6 * time.Second)).PortSpaces {
		if other.Proto == event.TCP {
			t.Errorf("a row of TCP: %+v", other)
		}
	}
}

// A count is that of its range, and holds for a minute: else nothing is known.
func TestUDPCountOutdated(t *testing.T) {
	t.Parallel()
	s := of(ranged(40000, 40099), noUDPPort("0.0.0.0", 1), udpCounted("0.0.0.0", 100, 100))
	if p := udpRows(s.Snapshot(begin.Add(udpKept)))[0]; p.InUse() != 100 {
		t.Errorf("%+v", p)
	}
	if p := udpRows(s.Snapshot(begin.Add(udpKept + 1)))[0]; p.Capacity != 0 || p.InUse() != 0 || len(p.Holders) != 0 {
		t.Errorf("after a minute: %+v", p)
	}
	s = of(ranged(40000, 40099), noUDPPort("0.0.0.0", 1), udpCounted("0.0.0.0", 100, 100), ranged(40000, 49999))
	if p := udpRows(s.Snapshot(begin.Add(time.Second)))[0]; p.Capacity != 0 || p.InUse() != 0 {
		t.Errorf("with another range: %+v", p)
	}
}

// A filter leaves the row only if it selects the count, as it does of a namespace that --netns names,
// or a process that failed there or holds a port.
func TestUDPFiltered(t *testing.T) {
	t.Parallel()
	other := notSelected(with(event.Open, owner(worker)))
	counted := udpCounted("0.0.0.0", 90, 90, event.UDPHolder{Proc: nginx, Ports: 80})
	count := notSelected(counted)
	for name, tc := range map[string]struct {
		events []event.Event
		rows   int
	}{
		"no filter":          {[]event.Event{counted}, 1},
		"its namespace":      {[]event.Event{other, counted, notSelected(noUDPPort("0.0.0.0", 1))}, 1},
		"nothing else":       {[]event.Event{count}, 0},
		"others":             {[]event.Event{other, count, notSelected(noUDPPort("0.0.0.0", 1))}, 0},
		"a selected failure": {[]event.Event{other, count, noUDPPort("0.0.0.0", 1)}, 1},
		"a selected holder":  {[]event.Event{other, count, with(event.Open, owner(nginx))}, 1},
	} {
		s := of(append([]event.Event{ranged(40000, 40099)}, tc.events...)...)
		if rows := udpRows(s.Snapshot(begin.Add(time.Second))); len(rows) != tc.rows {
			t.Errorf("%s: %d rows", name, len(rows))
		}
		s.Restart(begin.Add(time.Second))
		if rows := udpRows(s.Snapshot(begin.Add(time.Second))); tc.rows != len(rows) && name != "a selected failure" {
			t.Errorf("%s: %d rows after a restart", name, len(rows))
		}
	}
}

func TestUDPSpacesBounded(t *testing.T) {
	t.Parallel()
	s := of(ranged(40000, 40099))
	for i := range 3 * maxUDPSpaces {
		e := udpCounted("10.0.0.0", 50, 50)
		e.Time, e.Src.Addr[14], e.Src.Addr[15] = begin.Add(time.Duration(i)), byte(i>>8), byte(i)
		s.Add([]event.Event{e})
	}
	if len(s.udp) != maxUDPSpaces || s.udp[udpKey{inode, endpoint("10.0.2.255:0").Addr}] == nil {
		t.Errorf("%d are kept", len(s.udp))
	}
}
