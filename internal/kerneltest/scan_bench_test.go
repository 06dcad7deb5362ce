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
	var list event.FoundList
	var found []event.FoundSocket
	for name, take := range map[string]func() (int, error){
		"iterators": func() (int, error) {
			list.Truncate(0)
			err := n.Do(func() error {
				_, err := p.Sockets(&list, portspace.Limit, event.PortRange{}, nil)
				return err
			})
			return list.Len(), err
		},
		"sock_diag": func() (count int, err error) {
			found, _, err = spaces.Sockets(n.Inode(), found[:0], portspace.Limit)
			return len(found), err
		},
	} {
		b.Run(name, func(b *testing.B) {
			defer reportCPU(b, benchBuckets)()
			for b.Loop() {
				if count, err := take(); err != nil || count < benchBuckets {
					b.Fatal(count, err)
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
	var found event.FoundList
	defer reportCPU(b, benchHeld)()
	for b.Loop() {
		holders, err := p.Holders()
		noError(b, err)
		found.Truncate(0)
		if holders.Bound(&found, n.Inode()); found.Len() != benchHeld {
			b.Fatal(found.Len())
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
