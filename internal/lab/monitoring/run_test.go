package monitoring

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/lab/need"
)

const (
	runPorts = 1000
	leakRate = 33 // connections a second: the range is full after some 30 s, the alert waits for 15
	leaker   = "prom-leaker"
	churner  = "prom-churner"
)

var (
	leaked  = netip.MustParseAddrPort("127.0.0.1:5432")
	churned = netip.MustParseAddrPort("127.0.0.2:80")
	refused = netip.MustParseAddrPort("127.0.0.3:81")
)

// quick returns the rules with shorter memories, so that alerts resolve within seconds. The alert that
// must fire first waits as long as in production.
func quick(rules string) string {
	for pattern, with := range map[string]string{
		`(?m)^( +keep_firing_for:) .*$`: "$1 2s",
		`(?m)^( +for:) \d+m$`:           "$1 3s",
		`\[\d+m\]`:                      "[10s]",
		`offset 2m`:                     "offset 10s",
	} {
		rules = regexp.MustCompile(pattern).ReplaceAllString(rules, with)
	}
	return rules
}

// runNetns returns a namespace with few ports, two servers, and a program that closes its connections.
func runNetns(t *testing.T) *lab.Netns {
	t.Helper()
	n, err := lab.NewNetns()
	noError(t, err)
	t.Cleanup(func() { noError(t, n.Close()) })
	noError(t, n.PortRange(40000, 40000+runPorts-1))
	server, err := n.Serve("prom-server", lab.Server{Listen: []netip.AddrPort{leaked, churned}, Mode: lab.Echo, Conns: 2 * runPorts, For: 5 * time.Minute})
	noError(t, err)
	t.Cleanup(server.Stop)
	spawn(t, n, churner, &lab.Client{To: []netip.AddrPort{churned}, Rate: 5, Talk: true, For: 5 * time.Minute})
	spawn(t, n, "prom-refused", &lab.Client{To: []netip.AddrPort{refused}, Rate: 5, For: 5 * time.Minute})
	return n
}

func spawn(t *testing.T, n *lab.Netns, name string, job lab.Job) *lab.Proc {
	t.Helper()
	p, err := n.Spawn(name, job)
	noError(t, err)
	t.Cleanup(p.Stop)
	return p
}

// A program leaks connections until it gets none. The alert that the ports will run out fires before
// that happens, and names it; those that they have follow; all resolve when it is restarted. Each panel
// of the dashboard has data.
func TestPrometheus(t *testing.T) {
	need.Root(t, "tracing")
	need.BTF(t)
	n := runNetns(t)
	_, address := startServe(t, "--ring", "1m", "-o", filepath.Join(t.TempDir(), "ring"))
	m := startPrometheus(t, address, quick(rules(t)))
	var taken lab.Result
	noError(t, n.Run("prom-binder", &lab.Binder{Socket: lab.Socket{Bind: leaked}}, &taken))
	space := map[string]string{"netns": strconv.Itoa(int(n.Inode())), "kind": "connect", "daddr": leaked.Addr().String(), "dport": strconv.Itoa(int(leaked.Port()))}
	if early := firingAbout(t, m, space); early != "" {
		t.Errorf("before the leak fires %s", early)
	}

	leak := spawn(t, n, leaker, &lab.Client{To: []netip.AddrPort{leaked}, Rate: leakRate, Hold: true, ReportFailure: true, For: 5 * time.Minute, Socket: lab.Socket{Linger0: true}})
	var first lab.Result
	noError(t, leak.Decode(&first))
	failed := time.Now()
	if first.ConnectErrors["EADDRNOTAVAIL"] == 0 {
		t.Fatalf("the first failure is %v", first.ConnectErrors)
	}
	fired := firstFired(t, m, "PorttracePortSpaceFillingUp", space, failed)
	t.Logf("the alert has fired %s before the first of its connects failed", failed.Sub(fired).Round(time.Second))

	m.await(t, "the alerts of full ports", func() bool {
		return len(m.firing(t, "PorttracePortSpaceFull", space)) == 1 && aboutLeak(m.firing(t, "PorttraceCallsWithoutPort", nil)) &&
			len(m.firing(t, "PorttraceLeak", map[string]string{"cause": "leak"})) == 1
	})
	full := m.firing(t, "PorttracePortSpaceFull", space)[0]
	for _, want := range []string{leaker, leaked.String(), strconv.Itoa(runPorts)} {
		if text := full.Annotations["summary"] + full.Annotations["description"]; !strings.Contains(text, want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
	checkPanels(t, m)

	leak.Stop()
	m.await(t, "all resolve", func() bool {
		return firingAbout(t, m, space) == "" && !aboutLeak(m.firing(t, "PorttraceCallsWithoutPort", nil))
	})
}

// firingAbout returns the firing alerts of a port space.
func firingAbout(t *testing.T, m *prometheus, space map[string]string) string {
	t.Helper()
	var names []string
	for _, name := range alerts(t) {
		for _, a := range m.firing(t, name, space) {
			names = append(names, name+": "+a.Annotations["summary"])
		}
	}
	return strings.Join(names, ", ")
}

// aboutLeak reports whether one of the alerts names the program and what it connects to.
func aboutLeak(list []alert) bool {
	for _, a := range list {
		if text := a.Annotations["description"]; strings.Contains(text, leaker) && strings.Contains(text, leaked.String()) {
			return true
		}
	}
	return false
}

// firstFired returns when the alert had begun to fire, which must be before the failure. It names the
// program by then.
func firstFired(t *testing.T, m *prometheus, name string, space map[string]string, failed time.Time) time.Time {
	t.Helper()
	selector := fmt.Sprintf(`ALERTS{alertname=%q,alertstate="firing",severity="critical",netns=%q,daddr=%q,dport=%q}`, name, space["netns"], space["daddr"], space["dport"])
	firing, err := m.query(fmt.Sprintf("min_over_time(timestamp(%s)[5m:1s])", selector), failed)
	noError(t, err)
	if len(firing) != 1 {
		t.Fatalf("%s did not fire before the first connect failed: %d series", name, len(firing))
	}
	return time.UnixMilli(int64(firing[0].number() * 1e3))
}
