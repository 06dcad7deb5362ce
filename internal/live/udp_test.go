package live

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/portspace"
)

// fakeUDP has the sockets of namespaces.
type fakeUDP struct {
	sockets map[uint32][]udpSocket
	listed  map[uint32]int // how often
	owners  int            // how often owners were searched for
}

func (f *fakeUDP) inUse(inode uint32) (int, error) { return len(f.sockets[inode]), nil }

func (f *fakeUDP) list(inode uint32, limit int) ([]udpSocket, error) {
	f.listed[inode]++
	list, is := f.sockets[inode]
	if !is {
		return nil, errors.New("it is gone")
	}
	return slices.Clone(list[:min(len(list), limit)]), nil
}

func (f *fakeUDP) assignOwners(lists [][]udpSocket) map[event.ProcID]int {
	f.owners++
	owners := map[event.ProcID]int{}
	for _, list := range lists {
		for i := range list {
			list[i].Proc = proc(9)
			owners[proc(9)]++
		}
	}
	return owners
}

func udpSocketsAt(addr string, from, n int) (list []udpSocket) {
	for port := from; port < from+n; port++ {
		list = append(list, udpSocket{portspace.UDPSocket{Local: event.Endpoint{Addr: addrOf(addr), Port: uint16(port)}}, uint64(port)})
	}
	return list
}

func addrOf(s string) event.Addr { return netip.MustParseAddr(s).As16() }

// inUse returns the reported ports by address.
func inUse(events []event.Event) map[string]string {
	got := map[string]string{}
	for _, e := range events {
		use := e.Fact.(*event.UDPUse)
		got[fmt.Sprint(e.Netns, " ", e.Src.Addr)] = fmt.Sprint(use.InUse, " ", use.Own)
	}
	return got
}

func wantInUse(t *testing.T, what string, events []event.Event, want map[string]string) {
	t.Helper()
	if got := inUse(events); !maps.Equal(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func udpTargets() []target {
	wide := event.PortRange{Low: 32768, High: 60999}
	return []target{{inode: 1, ports: wide}, {inode: 2, ports: wide}, {inode: 3}}
}

// A host with a few sockets lists none of them, and searches for no owner. A busy namespace is
// reported by address for as long as it is busy, and once after that.
func TestUDPCounts(t *testing.T) {
	t.Parallel()
	f := &fakeUDP{listed: map[uint32]int{}, sockets: map[uint32][]udpSocket{
		1: udpSocketsAt("0.0.0.0", 40000, 5),
		2: append(udpSocketsAt("10.0.0.2", 40000, 2000), udpSocketsAt("0.0.0.0", 50000, 3)...),
		3: udpSocketsAt("0.0.0.0", 40000, 5000), // its range is not known
	}}
	u := newUDPCounts(f, nil)
	now := event.Time(time.Hour)
	wantInUse(t, "at first", u.countAll(udpTargets(), nil, now), map[string]string{"2 0.0.0.0": "2003 2003", "2 10.0.0.2": "2003 2000"})
	if f.listed[1]+f.listed[3] > 0 || f.owners != 1 {
		t.Errorf("listed were %v, owners searched for %d times", f.listed, f.owners)
	}
	f.sockets[2] = f.sockets[2][:600]
	wantInUse(t, "with less", u.countAll(udpTargets(), nil, now), map[string]string{"2 0.0.0.0": "600 600", "2 10.0.0.2": "600 600"})
	f.sockets[2] = f.sockets[2][:1]
	wantInUse(t, "the last time", u.countAll(udpTargets(), nil, now), map[string]string{"2 0.0.0.0": "1 1", "2 10.0.0.2": "1 1"})
	wantInUse(t, "after it", u.countAll(udpTargets(), nil, now), map[string]string{})
	if f.listed[2] != 3 || f.owners != 3 {
		t.Errorf("listed %v, owners searched for %d times", f.listed, f.owners)
	}
}

// An address at which a call found no port is counted at once, whatever is in use.
func TestUDPCountsFailing(t *testing.T) {
	t.Parallel()
	f := &fakeUDP{listed: map[uint32]int{}, sockets: map[uint32][]udpSocket{1: udpSocketsAt("10.0.0.1", 40000, 4)}}
	u := newUDPCounts(f, nil)
	now := event.Time(time.Hour)
	u.next = now.Add(time.Second)
	failing := []udpAddr{{1, addrOf("0.0.0.0")}}
	if u.due(udpTargets(), nil, now) || !u.due(udpTargets(), failing, now) {
		t.Error("it is due when a call has failed, and not before")
	}
	events := u.countAll(udpTargets(), failing, now)
	wantInUse(t, "a failure", events, map[string]string{"1 0.0.0.0": "4 4"})
	if holders := events[0].Fact.(*event.UDPUse).Holders; len(holders) != 1 || holders[0] != (event.UDPHolder{Proc: proc(9), Ports: 4}) {
		t.Errorf("holders %+v", holders)
	}
	if u.due(udpTargets(), failing, now) {
		t.Error("it is due again at once")
	}
	narrow := []target{{inode: 1, ports: event.PortRange{Low: 40000, High: 40001}}}
	if !u.due(narrow, failing, now) {
		t.Error("it is not due when the range has changed")
	}
	wantInUse(t, "another range", u.countAll(narrow, nil, now), map[string]string{"1 0.0.0.0": "2 2", "1 10.0.0.1": "2 2"})
	u.countAll(nil, nil, now)
	if len(u.reported) > 0 {
		t.Error("a namespace that is gone is kept")
	}
}

func TestFailing(t *testing.T) {
	t.Parallel()
	f := newFailing()
	at := event.Time(time.Hour)
	udp := event.Event{
		Time: at, Kind: event.BindFail, Proto: event.UDP, Op: event.OpAutobind, Reason: event.RangeExhausted, Netns: 1, Proc: proc(5),
		Src: event.Endpoint{Addr: addrOf("::")},
	}
	other := event.Event{Time: at, Kind: event.ConnectFail, Proto: event.TCP, Proc: proc(6), Flags: event.NotSelected}
	f.observe([]event.Event{udp, other, {Time: at, Kind: event.Open, Proc: proc(7)}})
	now := f.now(at.Add(failedRecently))
	if !slices.Equal(now.processes, []event.ProcID{proc(5)}) || !slices.Equal(now.udp, []udpAddr{{1, event.Addr{}}}) {
		t.Errorf("%+v", now)
	}
	if now := f.now(at.Add(failedRecently + 1)); len(now.processes)+len(now.udp) > 0 {
		t.Errorf("later %+v", now)
	}
	for pid := range uint32(3 * maxFailing) {
		f.observe([]event.Event{{Time: at, Kind: event.ConnectFail, Proc: proc(pid + 1)}})
	}
	if len(f.processes) != maxFailing {
		t.Errorf("%d are kept", len(f.processes))
	}
}
