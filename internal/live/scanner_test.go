package live

import (
	"errors"
	"net"
	"os"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/netns"
	"github.com/porttrace/porttrace/internal/portspace"
)

func TestInferDirections(t *testing.T) {
	t.Parallel()
	const remote = "10.0.0.9:50000"
	found := func(state event.State, direction event.Direction, src, dst string) event.FoundSocket {
		e := event.FoundSocket{State: state, Direction: direction, Src: endpoint(src)}
		if dst != "" {
			e.Dst = endpoint(dst)
		}
		return e
	}
	listener := found(event.StateListen, event.Unknown, "0.0.0.0:80", "")
	listener.Proc = nginx
	sockets := event.FoundOf(
		found(event.StateEstablished, event.Unknown, "10.0.0.1:80", remote), // before its listener
		listener,
		found(event.StateBound, event.Unknown, "10.0.0.1:80", ""),
		found(event.StateBound, event.Unknown, "10.0.0.1:81", ""),
		found(event.StateTimeWait, event.Unknown, "10.0.0.1:80", remote),
		found(event.StateCloseWait, event.Unknown, "10.0.0.1:81", remote),
		found(event.StateEstablished, event.Out, "10.0.0.1:80", remote),
		found(event.StateEstablished, event.Unknown, "10.0.0.1:40000", remote), // of the port range
	)
	listeners := inferDirections(&sockets, event.PortRange{Low: 40000, High: 40099})
	var got []event.Direction
	for _, e := range sockets.All() {
		got = append(got, e.Direction)
	}
	want := []event.Direction{event.In, event.Unknown, event.Unknown, event.Unknown, event.In, event.Unknown, event.Out, event.Out}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if len(listeners) != 1 || listeners[80] != nginx {
		t.Errorf("the listeners are %v", listeners)
	}
}

func TestMarkSelected(t *testing.T) {
	t.Parallel()
	owners := []event.ProcID{nginx, worker, nginx, {}, worker, {}}
	sockets := make([]event.FoundSocket, len(owners))
	for i := range sockets {
		sockets[i].Proc, sockets[i].Flags = owners[i], event.BeforeStart
	}
	scan := &event.NetnsScan{Sockets: event.FoundOf(sockets...)}
	markSelected(scan, nil)
	for _, e := range scan.Sockets.All() {
		if e.Flags != event.BeforeStart {
			t.Errorf("all are selected, got %+v", e)
		}
	}
	var asked []event.ProcID
	markSelected(scan, func(id event.ProcID) bool {
		asked = append(asked, id)
		return id == nginx
	})
	for _, e := range scan.Sockets.All() {
		want := event.BeforeStart
		if e.Proc != nginx {
			want |= event.NotSelected
		}
		if e.Flags != want {
			t.Errorf("got %+v", e)
		}
	}
	if !slices.Equal(asked, []event.ProcID{nginx, worker, {}}) {
		t.Errorf("asked about %v", asked)
	}
}

// All namespaces of a scan share the bound. One that cannot be read is left out, and takes
// nothing of it.
func TestScanEach(t *testing.T) {
	t.Parallel()
	const most = portspace.Limit
	sizes := map[uint32]int{1: 3, 2: 5, 3: most, 4: 1}
	var limits []int
	before := monotonic()
	all := scanEach(targetsOf(1, 2, 3, 4), new(atomic.Bool), func(at target, one *event.NetnsScan, limit int) error {
		limits = append(limits, limit)
		one.Sockets = event.FoundOf(make([]event.FoundSocket, min(limit, sizes[at.inode]))...)
		one.Truncated = one.Sockets.Len() >= limit
		if at.inode == 2 {
			return errors.New("it may not be entered")
		}
		return nil
	})
	if !slices.Equal(limits, []int{most, most - 3, most - 3, 0}) {
		t.Errorf("limits %v", limits)
	}
	type result struct {
		inode     uint32
		sockets   uint64
		truncated bool
	}
	var got []result
	for _, one := range all {
		got = append(got, result{one.Census.Netns, one.Census.Sockets, one.Truncated})
		if took := one.Census.Took; took > uint64(monotonic().Sub(before)) || int(one.Census.Sockets) != one.Sockets.Len() {
			t.Errorf("%d sockets, census %+v", one.Sockets.Len(), one.Census)
		}
	}
	if want := []result{{1, 3, false}, {3, most - 3, true}, {4, 0, true}}; !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestScanEachInfersDirections(t *testing.T) {
	t.Parallel()
	all := scanEach(targetsOf(1), new(atomic.Bool), func(_ target, one *event.NetnsScan, _ int) error {
		one.Sockets = event.FoundOf(
			event.FoundSocket{State: event.StateListen, Src: endpoint("0.0.0.0:80")},
			event.FoundSocket{State: event.StateEstablished, Src: endpoint("10.0.0.1:80"), Dst: endpoint("10.0.0.9:50000")},
		)
		return nil
	})
	if len(all) != 1 || all[0].Sockets.At(1).Direction != event.In {
		t.Errorf("got %+v", all)
	}
}

func TestScanEachStopped(t *testing.T) {
	t.Parallel()
	var stopped atomic.Bool
	calls := 0
	all := scanEach(targetsOf(1, 2, 3), &stopped, func(at target, _ *event.NetnsScan, _ int) error {
		calls++
		stopped.Store(at.inode == 2)
		return nil
	})
	if calls != 2 || len(all) != 2 {
		t.Errorf("%d were scanned, got %+v", calls, all)
	}
}

// What every user may see of this process's own sockets.
func TestDiagScanner(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	client, err := net.Dial("tcp4", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	server, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()

	me := self(t).ID
	all, cost := diagScanner{netns.New()}.scan(targetsOf(ownNetns(t)), new(atomic.Bool))
	if len(all) != 1 || all[0].Truncated || cost <= 0 {
		t.Fatalf("got %+v, cost %s", all, cost)
	}
	want := map[[2]string]event.FoundSocket{
		{listener.Addr().String(), ""}:                              {State: event.StateListen},
		{server.LocalAddr().String(), server.RemoteAddr().String()}: {State: event.StateEstablished, Direction: event.In},
		{client.LocalAddr().String(), client.RemoteAddr().String()}: {State: event.StateEstablished},
	}
	for _, e := range all[0].Sockets.All() {
		key := [2]string{e.Src.String(), ""}
		if e.Dst.Known() {
			key[1] = e.Dst.String()
		}
		if w, is := want[key]; is {
			delete(want, key)
			if e.State != w.State || e.Direction != w.Direction || e.Proc != me {
				t.Errorf("got %+v", e)
			}
		}
	}
	if len(want) > 0 {
		t.Errorf("not found: %v", want)
	}
	if all, _ := (diagScanner{netns.New()}).scan(targetsOf(1), new(atomic.Bool)); len(all) > 0 {
		t.Errorf("a namespace that does not exist has %+v", all)
	}
}

func ownNetns(t *testing.T) uint32 {
	t.Helper()
	info, err := os.Stat("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	return uint32(info.Sys().(*syscall.Stat_t).Ino)
}
