package kerneltest

import (
	"net/netip"
	"testing"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/netns"
	"github.com/porttrace/porttrace/internal/portspace"
)

const (
	benchBuckets = 28_000 // fill the usual range towards one destination
	benchHeld    = 10_000
)

// reportCPU begins to measure processor time, which on a busy host is less than what a pass
// takes. things is how many a pass finds.
func reportCPU(b *testing.B, things int) func() {
	before := cpuTime(b)
	return func() { b.ReportMetric(float64(cpuTime(b)-before)/float64(b.N*things), "cpu-ns/thing") }
}

// BenchmarkSockets finds 28,000 TIME_WAIT, by each way there is.
func BenchmarkSockets(b *testing.B) {
	n := newStormNetns(b)
	fillWithBuckets(b, n)
	p, spaces := openProbe(b), netns.New()
	for name, take := range map[string]func([]event.FoundSocket) ([]event.FoundSocket, error){
		"iterators": func(dst []event.FoundSocket) ([]event.FoundSocket, error) {
			err := n.Do(func() (err error) {
				dst, _, err = p.Sockets(dst, portspace.Limit, event.PortRange{}, nil)
				return err
			})
			return dst, err
		},
		"sock_diag": func(dst []event.FoundSocket) ([]event.FoundSocket, error) {
			dst, _, err := spaces.Sockets(n.Inode(), dst, portspace.Limit)
			return dst, err
		},
	} {
		b.Run(name, func(b *testing.B) {
			var found []event.FoundSocket
			var err error
			defer reportCPU(b, benchBuckets)()
			for b.Loop() {
				if found, err = take(found[:0]); err != nil || len(found) < benchBuckets {
					b.Fatal(len(found), err)
				}
			}
		})
	}
}

// fillWithBuckets leaves them, and a server.
func fillWithBuckets(b *testing.B, n *lab.Netns) {
	b.Helper()
	noError(b, n.Sysctl("ipv4/tcp_tw_reuse", "0"))
	serve(b, n, lab.Echo, loopV4)
	job := &lab.Client{To: []netip.AddrPort{loopV4}, Count: benchBuckets, Talk: true}
	wantCounts(b, run(b, n, "churner", job), benchBuckets, 0)
}

// BenchmarkHolders finds the holders of 10,000 sockets among the files of all processes.
func BenchmarkHolders(b *testing.B) {
	n := newStormNetns(b)
	binder := spawn(b, n, "binder", &lab.Binder{
		Socket: lab.Socket{Bind: netip.AddrPortFrom(loopV4.Addr(), 0)}, Count: benchHeld, For: jobLimit,
	})
	wantCounts(b, counted(b, binder), benchHeld, 0)
	p := openProbe(b)
	var found []event.FoundSocket
	defer reportCPU(b, benchHeld)()
	for b.Loop() {
		holders, err := p.Holders()
		noError(b, err)
		if found = holders.Bound(found[:0], n.Inode()); len(found) != benchHeld {
			b.Fatal(len(found))
		}
	}
}

// BenchmarkNamespaces reads the port settings of all namespaces, of which there is one
// more than usual.
func BenchmarkNamespaces(b *testing.B) {
	newStormNetns(b)
	p := openProbe(b)
	defer reportCPU(b, 1)()
	for b.Loop() {
		if found, err := p.Namespaces(); err != nil || len(found) < 2 {
			b.Fatal(found, err)
		}
	}
}
