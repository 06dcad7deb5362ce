package kerneltest

import (
	"errors"
	"net/netip"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/live"
	"github.com/porttrace/porttrace/internal/probe"
)

// TestMoreDestinationsThanCounts: a process with more destinations than the kernel side can
// count at a time has its totals all the same, of connections and of failures.
func TestMoreDestinationsThanCounts(t *testing.T) {
	const count = 40_000 // the kernel side has room for 16,384 until user space comes by
	for _, c := range []struct {
		name string
		port uint16
	}{{"connected", 1000}, {"refused", 1001}} {
		t.Run(c.name, func(t *testing.T) {
			n := newNetns(t)
			listener := acceptNone(t, n, netip.MustParseAddrPort("0.0.0.0:1000"))
			defer unix.Close(listener)
			tr := begin(t, live.Options{Probe: probe.Options{RingBytes: 4096}, ReadInterval: 20 * time.Second}, n)
			refused, err := sweepHere(n, c.port, count, listener)
			noError(t, err)
			tr.end(nil)

			got := tallyOf(&tr.row(os.Getpid()).Totals)
			want := tally{opens: count, closesOut: uint64(count - refused), fails: uint64(refused), failedOpens: uint64(refused)}
			want.closesIn = got.closesIn // which process closes what was not accepted is another question
			if !tr.isNear(got, want) {
				t.Errorf("shown with %+v, it counted %+v", got, want)
			}
			var sum uint64
			for i := range tr.snap.Failures {
				sum += tr.snap.Failures[i].Count
			}
			if other := tr.snap.OtherFailures; other != nil {
				sum += other.Count
			}
			if sum != tr.snap.Totals.ConnectFailures {
				t.Errorf("the failures add up to %d, want %d", sum, tr.snap.Totals.ConnectFailures)
			}
			whole := 0
			for _, e := range tr.events {
				if (e.Kind == event.Folded || e.Count > 1) && e.Direction == event.Out && !e.Dst.Known() {
					whole++
				}
			}
			if whole == 0 && tr.ledger.health.Lost == 0 {
				t.Error("nothing was counted by owner alone: the test shows nothing")
			}
		})
	}
}

// acceptNone listens in a namespace.
func acceptNone(t *testing.T, n *lab.Netns, at netip.AddrPort) (fd int) {
	t.Helper()
	noError(t, n.Do(func() (err error) {
		if fd, err = socketAt(at); err != nil {
			return err
		}
		return errors.Join(unix.Listen(fd, 4096), unix.SetNonblock(fd, true))
	}))
	return fd
}

// sweepHere connects to as many addresses of the loopback network, one after another, and
// resets each connection. It returns how many refused.
func sweepHere(n *lab.Netns, port uint16, count, listener int) (refused int, err error) {
	err = n.Do(func() error {
		for i := range count {
			to := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, byte(1 + i>>16), byte(i >> 8), byte(i)}), port)
			fd, err := newSocket(to.Addr())
			if err != nil {
				return err
			}
			switch err := unix.Connect(fd, lab.Sockaddr(to)); err {
			case nil:
			case unix.ECONNREFUSED:
				refused++
			default:
				return errors.Join(err, unix.Close(fd))
			}
			if err := resetAndClose(fd); err != nil {
				return err
			}
			if in, _, err := unix.Accept4(listener, unix.SOCK_CLOEXEC); err == nil {
				if err := unix.Close(in); err != nil {
					return err
				}
			}
		}
		return nil
	})
	return refused, err
}
