package netns

import (
	"net/netip"
	"strings"
	"testing"
)

func TestParseLink(t *testing.T) {
	t.Parallel()
	if got, err := parseLink("net:[4026531833]"); err != nil || got != 4026531833 {
		t.Errorf("parseLink = %d, %v", got, err)
	}
	for _, link := range []string{"", "net:[]", "net:[1", "mnt:[1]", "net:[-1]", "net:[4294967296]", "[1]"} {
		if got, err := parseLink(link); err == nil {
			t.Errorf("parseLink(%q) = %d, want an error", link, got)
		}
	}
}

func TestParseTimeWait(t *testing.T) {
	t.Parallel()
	const file = "sockets: used 13\nTCP: inuse 2 orphan 0 tw 28231 alloc 2 mem 0\nUDP: inuse 0 mem 0\n"
	if got, err := parseTimeWait(strings.NewReader(file)); err != nil || got != 28231 {
		t.Errorf("parseTimeWait = %d, %v", got, err)
	}
	for _, bad := range []string{"", "TCP6: inuse 2\n", "TCP: inuse 2 tw\n", "TCP: tw x\n", "UDP: tw 1\n"} {
		if got, err := parseTimeWait(strings.NewReader(bad)); err == nil {
			t.Errorf("parseTimeWait of %q = %d, want an error", bad, got)
		}
	}
}

func TestParseRefused(t *testing.T) {
	t.Parallel()
	const file = "TcpExt: SyncookiesSent TCPTimeWaitOverflow TCPReqQFullDrop\nTcpExt: 3 1168 5\nIpExt: InNoRoutes\nIpExt: 7\n"
	if got, err := parseRefused(strings.NewReader(file)); err != nil || got != 1168 {
		t.Errorf("parseRefused = %d, %v", got, err)
	}
	for _, bad := range []string{"", "TcpExt: SyncookiesSent\nTcpExt: 3\n", "TcpExt: A TCPTimeWaitOverflow\n", "TcpExt: A TCPTimeWaitOverflow\nTcpExt: 1\n"} {
		if got, err := parseRefused(strings.NewReader(bad)); err == nil {
			t.Errorf("parseRefused of %q = %d, want an error", bad, got)
		}
	}
}

// fibTrie is of a namespace with 10.9.8.7/24, 10.9.9.0/31 and the route 'local
// 10.77.0.0/16', where a policy rule keeps the tables apart.
const fibTrie = `Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 10.1.2.3
        /32 host LOCAL
Local:
  +-- 0.0.0.0/1 2 0 2
           +-- 10.9.8.0/29 2 0 2
              |-- 10.9.8.0
                 /24 link UNICAST
              |-- 10.9.8.7
                 /32 host LOCAL
           |-- 10.9.8.255
              /32 link BROADCAST
           |-- 10.9.9.0
              /32 host LOCAL
              /31 host LOCAL
        |-- 10.77.0.0
           /16 host LOCAL
        +-- 127.0.0.0/31 1 0 0
           |-- 127.0.0.0
              /8 host LOCAL
           |-- 127.0.0.1
              /32 host LOCAL
Id 100:
     |-- 10.88.0.0
        /16 host LOCAL
`

const ifInet6 = `fe8000000000000000fc00fffe000001 04 40 20 80     eth0
00000000000000000000000000000001 01 80 10 80       lo
fd000000000000000000000000000002 04 40 00 40     eth0
fd000000000000000000000000000003 04 40 00 44     eth0
`

func TestAddrSet(t *testing.T) {
	t.Parallel()
	set := addrSet{single: make(map[netip.Addr]bool)}
	if err := set.addV4(strings.NewReader(fibTrie)); err != nil {
		t.Fatal(err)
	}
	if err := set.addV6(strings.NewReader(ifInet6)); err != nil {
		t.Fatal(err)
	}
	for addr, want := range map[string]bool{
		"10.9.8.7": true, "::ffff:10.9.8.7": true, "10.9.9.1": true, "127.3.4.5": true, "10.77.255.1": true,
		"10.9.8.255": true, "0.0.0.0": true, "::": true, "224.0.0.1": true,
		"::1": true, "fe80::fc:ff:fe00:1": true, "fe80::fc:ff:fe00:1%eth0": true, "fd00::3": true,
		"10.9.8.8": false, "10.1.2.3": false, "10.88.0.1": false, "192.0.2.1": false,
		"fd00::2": false, "fd00::4": false, "::2": false,
	} {
		if got := set.has(netip.MustParseAddr(addr)); got != want {
			t.Errorf("bind to %s: %v, want %v", addr, got, want)
		}
	}
}
