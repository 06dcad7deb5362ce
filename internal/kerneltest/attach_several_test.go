package kerneltest

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/live"
	"github.com/porttrace/porttrace/internal/probe"
)

// Two tracers at once see the same.
func TestTwoTracers(t *testing.T) { retry(t, testTwoTracers) }

func testTwoTracers(t *attempt) {
	const count = 100
	client, server := pair(t)
	serve(t, server, lab.Echo, serverV4)
	narrow(t, client, count/2)
	one, two := begin(t, live.Options{}, client, server), begin(t, live.Options{}, client, server)
	r := run(t, client, "client", &lab.Client{To: []netip.AddrPort{serverV4}, Count: count, Talk: true})
	bound := run(t, client, "binder", &lab.Binder{Socket: lab.Socket{Bind: netip.MustParseAddrPort("127.0.0.1:0")}, Count: 3})
	one.end(nil)
	two.end(nil)

	if r.Succeeded+r.ConnectErrors["EADDRNOTAVAIL"] != count || bound.Succeeded != 3 {
		t.Fatalf("the clients: %+v, %+v", r, bound)
	}
	for _, tr := range []*trace{one, two} {
		opens, fails := len(tr.of(event.Open, r.PID)), occurrences(tr.of(event.ConnectFail, r.PID))
		if opens != r.Succeeded || fails != r.ConnectErrors["EADDRNOTAVAIL"] {
			t.Errorf("%d opens, %d failures, the client counted %+v", opens, fails, r)
		}
	}
	if a, b := eventTexts(one), eventTexts(two); one.missed()+two.missed() == 0 && !slices.Equal(a, b) {
		t.Errorf("one tracer reported %d events, the other %d, or they differ", len(a), len(b))
	}
}

// eventTexts returns the events of a trace without what depends on the tracer.
func eventTexts(tr *trace) []string {
	var list []string
	for _, e := range tr.events {
		if e.Kind.Public() {
			list = append(list, fmt.Sprint(e.Kind, e.Proc, e.Src, e.Dst, e.Errno, e.Reason, e.Flags, e.Count))
		}
	}
	slices.Sort(list)
	return list
}

// The verifier refuses no rung of any ladder: that would be a bug, and not a lack of
// this kernel. 5.10 has no socket cookie for tracing; there the verifier is the reason.
func TestVerifier(t *testing.T) {
	sets := [][]probe.Hook{
		{probe.Fexit, probe.Tracepoint},
		{probe.Kprobe, probe.Tracepoint},
		{probe.Tracepoint, probe.Cgroup},
		{probe.Tracepoint, probe.Syscall},
	}
	selections := [][]event.ProcID{{target(t, os.Getpid())}}
	if !testing.Short() { // or each program once, with all that is in it
		sets = append(sets, probe.DefaultHooks, []probe.Hook{probe.Tracepoint})
		selections = append(selections, nil)
	}
	for _, set := range sets {
		for _, targets := range selections {
			t.Run(fmt.Sprint(set, " targets ", targets != nil), func(t *testing.T) {
				opts := probe.Options{Hooks: set, Targets: targets, Children: targets != nil}
				if targets != nil {
					opts.PIDNS = 1 // no process is in it, but pids are looked up by it
				}
				source := attach(t, live.Options{Probe: opts})
				for _, s := range source.Signals() {
					t.Logf("%s: %s %s: %s", s.Name, s.Mode, s.Hook, s.Reason)
					if s.Name == "cookie" && !kernelAtLeast(t, 5, 11) {
						continue
					}
					if strings.Contains(s.Reason, "verifier") {
						t.Errorf("%s: %s", s.Name, s.Reason)
					}
				}
			})
		}
	}
}

// Nothing is left behind: what is attached ends with its descriptors.
func TestClose(t *testing.T) {
	needKernel(t)
	openAndClose := func() {
		source, err := openLive(live.Options{})
		noError(t, err)
		source.Close()
		source.Close() // is harmless
	}
	openAndClose() // the first may leave what the runtime keeps for itself
	before := descriptors(t)
	for range fewer(5, 1) {
		openAndClose()
	}
	if after := descriptors(t); !slices.Equal(before, after) {
		t.Errorf("open before: %s\nafter: %s", before, after)
	}
	if pins, _ := filepath.Glob("/sys/fs/bpf/*pt_*"); len(pins) != 0 {
		t.Errorf("pinned: %s", pins)
	}
}

// descriptors returns what this process has open, except sockets and pipes: child processes
// and the runtime have some.
func descriptors(t testing.TB) []string {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	noError(t, err)
	var open []string
	for _, entry := range entries {
		// One is the directory that is being read, which is closed by now.
		to, err := os.Readlink(filepath.Join("/proc/self/fd", entry.Name()))
		if err == nil && !strings.HasPrefix(to, "pipe:") && !strings.HasPrefix(to, "socket:") {
			open = append(open, to)
		}
	}
	slices.Sort(open)
	return open
}
