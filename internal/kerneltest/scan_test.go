package kerneltest

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/netns"
	"github.com/porttrace/porttrace/internal/portspace"
	"github.com/porttrace/porttrace/internal/probe"
	"github.com/porttrace/porttrace/internal/procinfo"
)

// scanMethod is a way to scan all TCP sockets of a namespace.
type scanMethod struct {
	take func(*lab.Netns) ([]event.FoundSocket, error)
	// exact says that it sees which buckets are exclusive, and which process called connect().
	exact bool
}

// scan scans a namespace.
func (c scanMethod) scan(t *testing.T, n *lab.Netns) []event.FoundSocket {
	t.Helper()
	found, err := c.take(n)
	noError(t, err)
	return found
}

// withPorts returns those that have a port of the tries.
func withPorts(found []event.FoundSocket, tries []lab.Try) []event.FoundSocket {
	ports := map[uint16]bool{}
	for _, try := range tries {
		ports[try.Local.Port()] = true
	}
	return slices.DeleteFunc(slices.Clone(found), func(e event.FoundSocket) bool { return !ports[e.Src.Port] })
}

func openProbe(t testing.TB) *probe.Probe {
	t.Helper()
	p, err := probe.Open(probe.Options{Hooks: []probe.Hook{probe.Tracepoint}})
	noError(t, err)
	t.Cleanup(p.Close)
	return p
}

func byIterators(t testing.TB) scanMethod {
	t.Helper()
	p := openProbe(t)
	return scanMethod{exact: true, take: func(n *lab.Netns) (found []event.FoundSocket, err error) {
		holders, err := p.Holders()
		if err != nil {
			return nil, err
		}
		var list event.FoundList
		err = n.Do(func() error {
			_, err := p.Sockets(&list, portspace.Limit, event.PortRange{}, holders)
			return err
		})
		holders.Bound(&list, n.Inode())
		for _, s := range list.All() {
			found = append(found, s)
		}
		return found, err
	}}
}

func byDiag(testing.TB) scanMethod {
	spaces := netns.New()
	return scanMethod{take: func(n *lab.Netns) ([]event.FoundSocket, error) {
		found, inodes, err := spaces.Sockets(n.Inode(), nil, portspace.Limit)
		if err != nil {
			return nil, err
		}
		wanted := map[uint64]bool{}
		for _, inode := range inodes {
			wanted[inode] = inode != 0
		}
		holders, err := procinfo.SocketHolders(wanted)
		for i, inode := range inodes {
			found[i].Proc = holders[inode]
		}
		return found, err
	}}
}

// A scan finds all sockets, with their owners, and reports which ports no connect() can take.
func TestScan(t *testing.T) {
	needKernel(t)
	for name, open := range map[string]func(testing.TB) scanMethod{"iterators": byIterators, "sock_diag": byDiag} {
		t.Run(name, func(t *testing.T) {
			c := open(t)
			t.Run("connections", c.connections)
			t.Run("bound", c.bound)
			t.Run("time_wait", c.timeWait)
			t.Run("buckets", c.buckets)
			t.Run("options", c.options)
			t.Run("holders", c.holders)
		})
	}
}

// connections checks early-bound ones and others, v4, v6 and mapped, and both of their ends.
func (c scanMethod) connections(t *testing.T) {
	const count = 30
	client, server := pair(t)
	listener := serve(t, server, lab.Echo, serverV4, serverV6)
	to := []netip.AddrPort{serverV4, serverV6, serverMapped}
	plain := spawn(t, client, "plain", &lab.Client{To: to, Count: count, Talk: true, Hold: true, List: true})
	early := spawn(t, client, "early", &lab.Client{
		Socket: lab.Socket{Bind: netip.AddrPortFrom(clientV4, 0)},
		To:     []netip.AddrPort{serverV4}, Count: count, Talk: true, Hold: true, List: true,
	})
	chosen, bound := counted(t, plain), counted(t, early)
	wantCounts(t, chosen, count, 0)
	wantCounts(t, bound, count, 0)

	found := c.scan(t, client)
	c.compareProc(t, client, found)
	for _, e := range withPorts(found, chosen.Tries) {
		if e.State != event.StateEstablished || e.Proc.PID != uint32(chosen.PID) || e.Flags.Has(event.OwnedByBind) || c.exact && e.Direction != event.Out {
			t.Errorf("connected by %d: %+v", chosen.PID, e)
		}
	}
	for _, e := range withPorts(found, bound.Tries) {
		if e.State != event.StateEstablished || e.Proc.PID != uint32(bound.PID) || c.exact && !e.Flags.Has(event.OwnedByBind) || e.Direction != event.Unknown {
			t.Errorf("bound and connected by %d: %+v", bound.PID, e)
		}
	}
	found = c.scan(t, server)
	c.compareProc(t, server, found)
	for _, e := range found {
		if e.Proc.PID != uint32(listener.PID()) || !e.Flags.Has(event.OwnedByBind) || e.Direction != event.Unknown {
			t.Errorf("of the server %d: %+v", listener.PID(), e)
		}
	}
}

// compareProc compares a scan with /proc/net/tcp and tcp6, which do not list what is only bound.
func (c scanMethod) compareProc(t *testing.T, n *lab.Netns, found []event.FoundSocket) {
	t.Helper()
	var got, want []string
	for _, e := range found {
		state := e.State
		if state == event.StateBound {
			continue
		}
		if e.Flags.Has(event.FinWait2) {
			state = event.StateFinWait2
		}
		if state == event.StateListen && e.Dst.Known() {
			t.Errorf("a listener is connected: %+v", e)
		}
		got = append(got, fmt.Sprint(uint8(state), " ", e.Src, " ", netip.AddrPortFrom(e.Dst.Addr.IP().Unmap(), e.Dst.Port)))
	}
	for _, s := range sockets(t, n) {
		remote := unmapped(s.Remote)
		if s.State == lab.Listen {
			remote = netip.AddrPortFrom(netip.IPv6Unspecified(), 0)
		}
		want = append(want, fmt.Sprint(s.State, " ", unmapped(s.Local), " ", remote))
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%d sockets were found, /proc/net has %d:\n%s\n%s", len(got), len(want), got, want)
	}
}

// bound checks ports that are not connected.
func (c scanMethod) bound(t *testing.T) {
	if !c.exact && !kernelAtLeast(t, 6, 8) {
		t.Skip("sock_diag lists them from 6.8 on")
	}
	client, _ := pair(t)
	v6 := clientAddrs[1].Addr()
	for name, s := range map[string]lab.Socket{
		"v4":        {Bind: netip.AddrPortFrom(clientV4, 0)},
		"any":       {Bind: netip.AddrPortFrom(netip.IPv4Unspecified(), 0)},
		"reuseaddr": {Bind: netip.AddrPortFrom(clientV4, 0), ReuseAddr: true},
		"reuseport": {Bind: netip.AddrPortFrom(clientV4, 0), ReusePort: true},
		"v6":        {Bind: netip.AddrPortFrom(v6, 0)},
		"any6":      {Bind: netip.AddrPortFrom(netip.IPv6Unspecified(), 0)},
		"mapped":    {Bind: netip.AddrPortFrom(netip.AddrFrom16(clientV4.As16()), 0)},
		"no port":   {Bind: netip.AddrPortFrom(clientV4, 0), NoPort: true},
	} {
		t.Run(name, func(t *testing.T) {
			const count = 3
			binder := spawn(t, client, "binder", &lab.Binder{Socket: s, Count: count, List: true})
			r := counted(t, binder)
			wantCounts(t, r, count, 0)
			var want []string
			for _, try := range r.Tries {
				if try.Local.Port() != 0 {
					want = append(want, unmapped(try.Local).String())
				}
			}
			var got []string
			for _, e := range c.scan(t, client) {
				if e.State != event.StateBound || e.Dst.Known() || !e.Flags.Has(event.OwnedByBind) || e.Proc.PID != uint32(r.PID) {
					t.Errorf("bound by %d: %+v", r.PID, e)
				}
				got = append(got, e.Src.String())
			}
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("found %s, bound %s", got, want)
			}
			binder.Stop()
		})
	}
}

const (
	// leftWithin is how far the time that a bucket has left may be from that of /proc/net/tcp
	// just before and just after.
	leftWithin = 200 * time.Millisecond
	// wheelStep is how much later a timer of a minute fires, at most: 512 jiffies at 100 Hz.
	// /proc/net/tcp does not know of that.
	wheelStep = 5120 * time.Millisecond
	// leftEnough is left of a bucket that all three readings must find.
	leftEnough = 10 * time.Second
)

// late returns how much later than by /proc/net/tcp a bucket may end.
func (c scanMethod) late() time.Duration {
	if c.exact {
		return wheelStep
	}
	return 0
}

func (c scanMethod) timeWait(t *testing.T) {
	const count, atMost = 2000, 30 * time.Second // fewer if the processor is emulated
	client, server := pair(t)
	serve(t, server, lab.Echo, serverV4, serverV6)
	serve(t, client, lab.Ignore) // by this process the namespace is found
	r := run(t, client, "churner", &lab.Client{To: []netip.AddrPort{serverV4, serverV6}, Count: count, For: atMost, Talk: true})
	eventually(t, "nothing else is left", func() bool { return inState(t, client, lab.TimeWait) == len(sockets(t, client)) })
	before := timeLeft(t, client)
	began := monotonic()
	found := c.scan(t, client)
	after := timeLeft(t, client)
	for _, e := range found {
		key, got := fmt.Sprint(e.Src, e.Dst), e.Expiry.Sub(began)
		if e.State != event.StateTimeWait || e.Proc.Known() || e.Flags != 0 || c.exact && e.Direction != event.Out {
			t.Fatalf("no bucket of a port that connect() chose: %+v", e)
		}
		if most, there := before[key]; !there || got > most+leftWithin+c.late() || got < after[key]-leftWithin {
			t.Fatalf("%s are left, by /proc %s before and %s after: %+v", got, most, after[key], e)
		}
		delete(before, key)
	}
	maps.DeleteFunc(before, func(_ string, left time.Duration) bool { return left < leftEnough })
	if len(before) > 0 || len(found) == 0 {
		t.Errorf("found %d of %d, but not %d that are there for long", len(found), r.Succeeded, len(before))
	}
}

// timeLeft returns the timer of each connection in /proc/net.
func timeLeft(t *testing.T, n *lab.Netns) map[string]time.Duration {
	t.Helper()
	left := map[string]time.Duration{}
	for _, s := range sockets(t, n) {
		left[fmt.Sprint(unmapped(s.Local), unmapped(s.Remote))] = s.Left
	}
	return left
}
