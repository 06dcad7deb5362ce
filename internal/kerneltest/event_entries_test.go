package kerneltest

import (
	"net/netip"
	"os"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/live"
	"github.com/porttrace/porttrace/internal/probe"
)

// The entry of a closed connection is kept for the next socket at the same address of kernel
// memory. Those to which no socket comes back must not take the room of others.
func TestFreeEntries(t *testing.T) {
	const each, rounds = 300, 4 // twice as many sockets
	n := newNetns(t)
	tr := begin(t, live.Options{Probe: probe.Options{MaxConns: 3 * each}}, n)
	noError(t, n.Do(func() error { return connectElsewhere(loopV4, rounds, each) }))
	tr.end(nil)
	for _, kind := range []event.Kind{event.Open, event.Close} {
		out := slices.DeleteFunc(tr.of(kind, os.Getpid()), func(e event.Event) bool { return e.Direction != event.Out })
		if got := len(out); !tr.near(uint64(got), rounds*each) {
			t.Errorf("%d %s events of %d connections", got, kind, rounds*each)
		}
	}
}

// connectElsewhere makes connections to this thread and resets them, in several rounds. Other
// sockets then take their memory, so the next round has sockets at other addresses.
func connectElsewhere(addr netip.AddrPort, rounds, each int) error {
	listener, err := socketAt(addr)
	if err != nil {
		return err
	}
	defer unix.Close(listener)
	if err := unix.Listen(listener, 1); err != nil {
		return err
	}
	for range rounds {
		var open []int
		for range each {
			c, err := connectTo(addr, listener)
			if err != nil {
				return err
			}
			open = append(open, c.in, c.out)
		}
		for _, fd := range open {
			if err := resetAndClose(fd); err != nil {
				return err
			}
		}
		for range open {
			fd, err := newSocket(addr.Addr())
			if err != nil {
				return err
			}
			defer unix.Close(fd)
		}
	}
	return nil
}
