package netns

import (
	"fmt"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/porttrace/porttrace/internal/event"
)

// TestUDPSockets finds the sockets of this process, by both ways and with the inodes of its files.
func TestUDPSockets(t *testing.T) {
	t.Parallel()
	bound, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer bound.Close()
	connected, err := net.Dial("udp4", bound.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer connected.Close()
	n := New()
	inode := ownNetns()
	got, err := n.UDPSockets(inode, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	var files []UDPSocket
	ns, err := n.find(inode)
	if err != nil {
		t.Fatal(err)
	}
	if err := ns.readUDP(func(s UDPSocket) { files = append(files, s) }); err != nil {
		t.Fatal(err)
	}
	for way, list := range map[string][]UDPSocket{"sock_diag": got, "/proc": files} {
		found := 0
		for _, s := range list {
			for _, c := range []net.Conn{bound, connected} {
				if addr := c.LocalAddr().(*net.UDPAddr); int(s.Local.Port) == addr.Port && s.Local.Addr == event.Addr(addr.IP.To16()) {
					found++
					if !holdsSocket(t, s.Inode) {
						t.Errorf("%s: %+v is no file of this process", way, s)
					}
				}
			}
		}
		if found != 2 {
			t.Errorf("%s: %d of 2 sockets", way, found)
		}
	}
	if count, err := n.UDPInUse(inode); err != nil || count < 2 {
		t.Errorf("in use: %d, %v", count, err)
	}
	if few, err := n.UDPSockets(inode, 1); err != nil || len(few) != 1 {
		t.Errorf("with a limit of 1: %d, %v", len(few), err)
	}
}

// holdsSocket reports whether a file of this process is the socket.
func holdsSocket(t *testing.T, inode uint64) bool {
	t.Helper()
	names, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		link, _ := os.Readlink("/proc/self/fd/" + name.Name())
		if link == fmt.Sprintf("socket:[%d]", inode) {
			return true
		}
	}
	return false
}

func TestParseInUse(t *testing.T) {
	t.Parallel()
	const v4 = "sockets: used 13\nTCP: inuse 2 orphan 0 tw 28231 alloc 2 mem 0\nUDP: inuse 17 mem 3\nUDPLITE: inuse 1\n"
	const v6 = "TCP6: inuse 2\nUDP6: inuse 5\nUDPLITE6: inuse 0\n"
	if got, err := parseInUse(strings.NewReader(v4), "UDP:"); got != 17 || err != nil {
		t.Errorf("%d, %v", got, err)
	}
	if got, err := parseInUse(strings.NewReader(v6), "UDP6:"); got != 5 || err != nil {
		t.Errorf("%d, %v", got, err)
	}
	for _, bad := range []string{"", "UDP:\n", "UDP: inuse\n", "UDP: inuse x\n", v6} {
		if got, err := parseInUse(strings.NewReader(bad), "UDP:"); err == nil {
			t.Errorf("%q: %d", bad, got)
		}
	}
}
