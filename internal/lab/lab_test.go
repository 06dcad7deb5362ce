package lab

import (
	"net/netip"
	"os"
	"testing"

	"github.com/porttrace/porttrace/internal/lab/need"
)

func TestMain(m *testing.M) {
	MaybeRun()
	if os.Getenv(demoParentEnv) != "" {
		demoParent()
	}
	os.Exit(m.Run())
}

// newNetns makes a namespace that ends with the test.
func newNetns(t *testing.T) *Netns {
	t.Helper()
	needRoot(t)
	n, err := NewNetns()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

func needRoot(t *testing.T) {
	t.Helper()
	need.Root(t, "a network namespace")
}

// The two ends of pair.
var (
	clientAddrs = []netip.Prefix{netip.MustParsePrefix("10.1.0.1/24"), netip.MustParsePrefix("fd01::1/64")}
	serverAddrs = []netip.Prefix{netip.MustParsePrefix("10.1.0.2/24"), netip.MustParsePrefix("fd01::2/64")}
	serverV4    = netip.MustParseAddrPort("10.1.0.2:80")
	serverV6    = netip.MustParseAddrPort("[fd01::2]:80")
)

// pair makes a namespace for clients and one with a server of each family.
func pair(t *testing.T, mode Mode) (client, server *Netns) {
	t.Helper()
	client, server = newNetns(t), newNetns(t)
	if err := Link(client, server, clientAddrs, serverAddrs); err != nil {
		t.Fatal(err)
	}
	p, err := server.Serve("server", Server{Listen: []netip.AddrPort{serverV4, serverV6}, Mode: mode})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	return client, server
}

// set sets sysctls of a namespace, given as names and values in turn.
func set(t *testing.T, n *Netns, pairs ...string) {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if err := n.Sysctl(pairs[i], pairs[i+1]); err != nil {
			t.Fatal(err)
		}
	}
}

// run runs a job to its end.
func run(t *testing.T, n *Netns, job Job) Result {
	t.Helper()
	var result Result
	if err := n.Run("job", job, &result); err != nil {
		t.Fatal(err)
	}
	return result
}
