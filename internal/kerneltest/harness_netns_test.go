package kerneltest

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/lab/need"
)

// The two ends of a pair. No host has unusedV4.
var (
	clientAddrs = []netip.Prefix{netip.MustParsePrefix("10.1.0.1/24"), netip.MustParsePrefix("fd01::1/64")}
	serverAddrs = []netip.Prefix{netip.MustParsePrefix("10.1.0.2/24"), netip.MustParsePrefix("fd01::2/64")}

	clientV4     = netip.MustParseAddr("10.1.0.1")
	unusedV4     = netip.MustParseAddrPort("10.1.0.99:80")
	serverV4     = netip.MustParseAddrPort("10.1.0.2:80")
	serverV6     = netip.MustParseAddrPort("[fd01::2]:80")
	serverMapped = netip.MustParseAddrPort("[::ffff:10.1.0.2]:80")
)

// at returns the same address with another port.
func at(ap netip.AddrPort, port uint16) netip.AddrPort {
	return netip.AddrPortFrom(ap.Addr(), port)
}

// newNetns makes a namespace that ends with the test.
func newNetns(t testing.TB) *lab.Netns {
	t.Helper()
	return untilEnd(t, lab.NewNetns)
}

func untilEnd(t testing.TB, create func() (*lab.Netns, error)) *lab.Netns {
	t.Helper()
	needKernel(t)
	n, err := create()
	noError(t, err)
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

// pair makes a namespace for clients and one for servers, joined by a veth pair: what
// is connected in the first is outgoing, in the second accepted.
func pair(t testing.TB) (client, server *lab.Netns) {
	t.Helper()
	client, server = newNetns(t), newNetns(t)
	needDevice(t, "CONFIG_VETH", lab.Link(client, server, clientAddrs, serverAddrs))
	return client, server
}

// needDevice takes the error of making a device. It skips the test if the kernel has no devices of that
// kind; if its configuration says that it has, and for any other error, the test fails.
func needDevice(t testing.TB, option string, err error) {
	t.Helper()
	if errors.Is(err, unix.EOPNOTSUPP) {
		need.NoOption(t, option, err.Error())
	}
	noError(t, err)
}

// narrow leaves a namespace few ports, from firstPort on, and forbids their reuse from TIME_WAIT.
func narrow(t testing.TB, n *lab.Netns, ports int) {
	t.Helper()
	noError(t, n.PortRange(firstPort, uint16(firstPort+ports-1)), n.Sysctl("ipv4/tcp_tw_reuse", "0"))
}

// loopbackNet makes a namespace with few ports and an echo server.
func loopbackNet(t testing.TB, ports int, listen ...netip.AddrPort) *lab.Netns {
	t.Helper()
	n := newNetns(t)
	narrow(t, n, ports)
	serve(t, n, lab.Echo, listen...)
	return n
}

const (
	jobLimit  = 3 * time.Minute // for a job; the slowest kernels run on an emulated processor
	waitLimit = time.Minute     // for a condition
)

// newStormNetns makes a namespace for a storm, which ends with the test.
func newStormNetns(t testing.TB) *lab.Netns {
	t.Helper()
	return untilEnd(t, lab.NewStormNetns)
}

func serve(t testing.TB, n *lab.Netns, mode lab.Mode, listen ...netip.AddrPort) *lab.Proc {
	t.Helper()
	return serveWith(t, n, lab.Server{Listen: listen, Mode: mode})
}

func serveWith(t testing.TB, n *lab.Netns, s lab.Server) *lab.Proc {
	t.Helper()
	s.For = jobLimit
	p, err := n.Serve("server", s)
	noError(t, err)
	t.Cleanup(p.Stop)
	return p
}

// spawn starts a job that ends with the test at the latest.
func spawn(t testing.TB, n *lab.Netns, name string, job lab.Job) *lab.Proc {
	t.Helper()
	p, err := n.Spawn(name, job)
	noError(t, err)
	t.Cleanup(p.Stop)
	return p
}

// wantCounts ends the test unless a client has this many connections, and this many connect()
// that found no port.
func wantCounts(t testing.TB, r lab.Result, succeeded, noPort int) {
	t.Helper()
	if r.Succeeded != succeeded || r.ConnectErrors["EADDRNOTAVAIL"] != noPort {
		t.Fatalf("the client should have %d connections and %d times no port: %+v", succeeded, noPort, r)
	}
}

// counted waits for the report of a job.
func counted(t testing.TB, p *lab.Proc) lab.Result {
	t.Helper()
	var r lab.Result
	noError(t, p.Decode(&r))
	return r
}

func release(t testing.TB, p *lab.Proc) {
	t.Helper()
	noError(t, p.Release())
}

// run runs a job to its end.
func run(t testing.TB, n *lab.Netns, name string, job lab.Job) lab.Result {
	t.Helper()
	p := spawn(t, n, name, job)
	r := counted(t, p)
	release(t, p)
	return r
}

// runAll runs several at the same time; results are in the order of the jobs.
func runAll(t testing.TB, n *lab.Netns, name string, jobs ...lab.Job) []lab.Result {
	t.Helper()
	var procs []*lab.Proc
	for _, job := range jobs {
		procs = append(procs, spawn(t, n, name, job))
	}
	var results []lab.Result
	for _, p := range procs {
		results = append(results, counted(t, p))
		release(t, p)
	}
	return results
}

func sockets(t testing.TB, n *lab.Netns) []lab.TCPSocket {
	t.Helper()
	all, err := n.TCPSockets()
	noError(t, err)
	return all
}

func inState(t testing.TB, n *lab.Netns, state lab.TCPState) int {
	t.Helper()
	count := 0
	for _, s := range sockets(t, n) {
		if s.State == state {
			count++
		}
	}
	return count
}

// counters returns the kernel's own.
func counters(t testing.TB, n *lab.Netns) map[string]uint64 {
	t.Helper()
	c, err := n.Netstat()
	noError(t, err)
	return c
}

// noError ends the test at the first error.
func noError(t testing.TB, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// eventually waits until a condition holds.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	if !waitFor(waitLimit, holds) {
		t.Fatalf("waited in vain: %s", what)
	}
}

// waitFor waits until a condition holds, and returns false if it does not within the limit.
func waitFor(limit time.Duration, holds func() bool) bool {
	for deadline := time.Now().Add(limit); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			return false
		}
	}
	return true
}
