package kerneltest

import (
	"errors"
	"net/netip"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/portspace"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// A connect() that gets no answer enters its port space and the totals at the same time, before
// its SYN is sent again, and leaves both when it is given up.
func TestUnansweredConnects(t *testing.T) {
	for _, tc := range []struct {
		name         string
		end          netip.AddrPort
		local        netip.Prefix
		count, ports int // 0: enough
	}{
		{"some", serverV4, clientAddrs[0], 16, 0},
		{"v6", serverV6, clientAddrs[1], 16, 0},
		{"a full range", serverV4, clientAddrs[0], 62, 64},
	} {
		t.Run(tc.name, func(t *testing.T) {
			client, server := pair(t)
			if tc.ports != 0 {
				narrow(t, client, tc.ports)
			}
			testUnansweredConnects(t, client, server, tc.end, tc.local.Addr(), tc.count)
		})
	}
}

func testUnansweredConnects(t *testing.T, client, server *lab.Netns, end netip.AddrPort, local netip.Addr, count int) {
	const fillers = 2
	defer fill(t, client, server, end)()
	w := traceSpaces(t, client)
	w.awaitScans(client)
	fds, err := startConnects(client, end, count)
	noError(t, err)
	id := portspace.ID{Netns: client.Inode(), Local: event.AddrFrom(local), Remote: endpoint(end)}
	held := func(s *snapshot.Snapshot) int {
		row := rowOf(s, id)
		if row == nil { // beyond those that are listed
			return -1
		}
		return row.Live - fillers
	}
	counted := func(s *snapshot.Snapshot) *snapshot.Totals {
		for i := range s.Processes {
			if s.Processes[i].Info.ID.PID == uint32(os.Getpid()) {
				return &s.Processes[i].Totals
			}
		}
		return &snapshot.Totals{}
	}
	same := func(s *snapshot.Snapshot) {
		if live := counted(s).Live(); held(s) >= 0 && live != int64(held(s)) {
			t.Errorf("%d connections of the process are open, it holds %d ports of the space", live, held(s))
		}
	}
	w.awaitSnapshot("the port space has all", func(s *snapshot.Snapshot) bool {
		same(s)
		return held(s) == count
	})
	if again := w.received(event.SynUnanswered, client); len(again) == count {
		t.Log("this machine is so slow that all SYNs were sent again before the first scan")
	}
	again := w.awaitSnapshot("all SYNs are sent again", func(s *snapshot.Snapshot) bool { return counted(s).SynSent == int64(count) })
	if opens := counted(again).Opens; opens != uint64(count) {
		t.Errorf("%d opens", opens)
	}
	for _, fd := range fds {
		noError(t, unix.Close(fd))
	}
	ended := w.awaitSnapshot("all are given up", func(s *snapshot.Snapshot) bool { return counted(s).ConnectFailures == uint64(count) })
	same(ended)
	if left := counted(ended).SynSent; left != 0 || held(ended) > 0 {
		t.Errorf("%d in SYN_SENT, %d ports held", left, held(ended))
	}
	ports := map[uint16]bool{}
	for _, e := range w.received(event.SynUnanswered, client) {
		ports[e.Src.Port] = true
	}
	for _, e := range w.received(event.ConnectFail, client) {
		if e.Reason != event.GivenUp || !e.Flags.Has(event.HadPort|event.Unanswered) || !ports[e.Src.Port] {
			t.Errorf("%s %s of %s: %+v", e.Errno, e.Reason, e.Src, e)
		}
	}
}

// startConnects begins connects that do not block.
func startConnects(n *lab.Netns, to netip.AddrPort, count int) (fds []int, err error) {
	err = n.Do(func() error {
		for range count {
			fd, err := newSocket(to.Addr())
			if err != nil {
				return err
			}
			fds = append(fds, fd)
			if err := unix.SetNonblock(fd, true); err != nil {
				return err
			}
			if err := unix.Connect(fd, lab.Sockaddr(to)); !errors.Is(err, unix.EINPROGRESS) {
				return err
			}
		}
		return nil
	})
	return fds, err
}
