package kerneltest

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/live"
	"github.com/porttrace/porttrace/internal/probe"
)

// missing is the name that is attached to in place of a function that a test takes away.
const missing = "pt_no_such_function"

func without(names ...string) map[string]string {
	renamed := map[string]string{}
	for _, name := range names {
		renamed[name] = missing
	}
	return renamed
}

// If a function is missing, the next rung of the ladder is used, gives the reason, and reports
// the events. A rung needs all its functions: here the IPv4 functions exist.
func TestLadder(t *testing.T) { retry(t, testLadder) }

func testLadder(t *attempt) {
	if testing.Short() && allowedHooks != nil {
		t.Skip("it chooses the hooks itself, and runs in the default mode")
	}
	const count = 20
	for _, c := range []struct {
		name    string
		hooks   []probe.Hook
		without map[string]string
		want    map[string]event.Signal
	}{
		{
			name: "functions", hooks: probe.DefaultHooks,
			without: without("inet6_hash_connect", "tcp_v6_connect", "__inet6_bind", "tcp_retransmit_skb"),
			want: map[string]event.Signal{
				"connect":        {Mode: event.Inferred, Hook: "tp_btf/inet_sock_set_state", Reason: "fexit: "},
				"connect_errors": {Mode: event.Off, Reason: "kprobe: "},
				"bind":           {Mode: event.Inferred, Hook: "cgroup/", Reason: "fexit: "},
				"syn_sent":       {Mode: event.Off, Reason: "tracepoint: "},
			},
		},
		{
			name: "system calls", hooks: []probe.Hook{probe.Tracepoint, probe.Cgroup, probe.Syscall},
			without: without("sys_exit"),
			want: map[string]event.Signal{
				"connect_errors": {Mode: event.Off, Reason: "syscall: "},
				"bind":           {Mode: event.Inferred, Hook: "cgroup/", Reason: "fexit not in --hooks"},
				"syn_sent":       {Mode: event.Exact, Hook: "tp_btf/tcp_retransmit_skb"},
			},
		},
	} {
		t.Run(c.name, func(t *attempt) {
			client, server := pair(t)
			serve(t, server, lab.Echo, serverV4, serverV6)
			tr := begin(t, live.Options{Probe: probe.Options{Hooks: c.hooks, Renamed: c.without}}, client, server)
			r := run(t, client, "client", &lab.Client{To: []netip.AddrPort{serverV4, serverV6}, Count: count, Talk: true})
			taken := run(t, server, "binder", &lab.Binder{Socket: lab.Socket{Bind: serverV6}, Count: 2})
			tr.end(nil)

			for name, want := range c.want {
				got := tr.signal(name)
				t.Logf("%s: %s %s: %s", name, got.Mode, got.Hook, got.Reason)
				if got.Mode != want.Mode || !strings.HasPrefix(got.Hook, want.Hook) || !strings.Contains(got.Reason, want.Reason) {
					t.Errorf("%s is %+v, want %+v", name, got, want)
				}
			}
			if opens := tr.of(event.Open, r.PID); r.Succeeded != count || len(opens) != count {
				t.Errorf("%d opens, the client: %+v", len(opens), r)
			}
			fails := tr.of(event.BindFail, taken.PID)
			if n := occurrences(fails); n != 2 || fails[0].Errno != event.EADDRINUSE || fails[0].Inferred == 0 {
				t.Errorf("binds failed: %+v", fails)
			}
		})
	}
}

// Without the one hook that it cannot do without, porttrace names that in one line.
func TestNoBase(t *testing.T) {
	needKernel(t)
	_, err := openLive(live.Options{Probe: probe.Options{Renamed: without("inet_sock_set_state")}})
	if !errors.Is(err, probe.ErrUnsupported) || !strings.Contains(err.Error(), missing) || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v", err)
	}
}
