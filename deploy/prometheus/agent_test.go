// Package prometheus tests the configuration of this directory with Debian's Prometheus.
package prometheus

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/lab/need"
)

func TestAgentConfig(t *testing.T) {
	t.Parallel()
	need.Programs(t, "promtool")
	if out, err := exec.Command("promtool", "check", "config", "--agent", "agent.yml").CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

// host is one of two that have the same trouble with different programs, so that a text about one of them
// differs from one about the other.
type host struct {
	name, program, daddr string
	asked                []string // the metrics that it has
	scrapes              atomic.Int64
}

// trouble makes alerts about ports, calls, findings, connection tracking and porttrace itself.
const trouble = `porttrace_port_space_taken_ports{SPACE} 28232
porttrace_port_space_taken_ports{kind="connect",netns="4026532001",netns_name="shop/web",daddr="10.0.0.3",dport="443"} 12
porttrace_port_space_capacity_ports{SPACE} 28232
porttrace_port_space_exhaustion_seconds{SPACE} 60
porttrace_port_space_exhausted_calls_total{SPACE} COUNT
porttrace_port_space_holder_ports{SPACE,program="PROGRAM"} 28000
porttrace_exhausted_calls_total{op="connect"} COUNT
porttrace_connect_failures_total{program="PROGRAM",errno="EADDRNOTAVAIL",reason="range_exhausted"} COUNT
porttrace_outgoing_connections{program="PROGRAM",state="open"} 28000
porttrace_findings{cause="leak",severity="warning"} 1
porttrace_findings{cause="leak",severity="info"} 0
porttrace_findings{cause="listen_overflow",severity="critical"} 1
porttrace_conntrack_drops_total{netns="4026531840",netns_name="host"} COUNT
porttrace_lost_events_total COUNT
porttrace_ring_writing 0
porttrace_snapshot_timestamp_seconds 1
porttrace_opens_total{program="PROGRAM"} COUNT
`

// ServeHTTP answers a scrape: what makes trouble, and a sample of every other metric that rules ask for.
func (h *host) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	page := strings.NewReplacer(
		"SPACE", `kind="connect",netns="4026531840",netns_name="host",saddr="10.0.0.1",daddr="`+h.daddr+`",dport="443"`,
		"PROGRAM", h.program, "COUNT", strconv.FormatInt(10*h.scrapes.Add(1), 10)).Replace(trouble)
	for _, name := range h.asked {
		if !regexp.MustCompile(`(?m)^` + name + `\b`).MatchString(page) {
			page += name + " 1\n"
		}
	}
	_, _ = io.WriteString(w, page)
}

// ruleFiles are those that a central store loads.
var ruleFiles = []string{"porttrace.rules.yml", "fleet.rules.yml"}

// askedMetrics are those of which rules and the queries in their texts make use. What rules record has a colon in
// its name.
func askedMetrics(t *testing.T) (names []string) {
	t.Helper()
	text := ""
	for _, file := range ruleFiles {
		rules, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text += regexp.MustCompile(`(?m)#.*$|record: .*$`).ReplaceAllString(string(rules), "")
	}
	text = strings.ReplaceAll(text, "porttrace_(connect|bind)_failures_total", "porttrace_connect_failures_total porttrace_bind_failures_total")
	names = regexp.MustCompile(`porttrace_[a-z_]+`).FindAllString(text, -1)
	slices.Sort(names)
	if names = slices.Compact(names); len(names) < 15 {
		t.Fatalf("the rules ask for %q alone", names)
	}
	return names
}

// TestRemoteWrite: on two hosts an agent scrapes, and pushes what agent.yml lets through to another Prometheus
// with the rules. Nothing that they ask for is missing there, and what they say of a host is of that host.
func TestRemoteWrite(t *testing.T) {
	t.Parallel()
	need.Programs(t, "prometheus")
	central := start(t, "", centralConfig(t), "--web.enable-remote-write-receiver")
	asked := askedMetrics(t)
	hosts := []*host{{name: "web-1", program: "billing", daddr: "10.0.0.2", asked: asked}, {name: "web-2", program: "crawler", daddr: "10.0.0.9", asked: asked}}
	for _, h := range hosts {
		exporter := httptest.NewServer(h)
		t.Cleanup(exporter.Close)
		start(t, h.name, agentConfig(t, exporter.Listener.Addr().String(), central), "--enable-feature=agent,expand-external-labels")
	}
	for _, name := range append([]string{"up"}, asked...) {
		wait(t, name, func() (string, bool) {
			got := ask(t, central, "count by (instance, host) ("+name+")")
			return fmt.Sprint(got), fmt.Sprint(got) == "[map[host:web-1 instance:web-1] map[host:web-2 instance:web-2]]"
		})
	}
	checkLabels(t, central)
	for i, h := range hosts {
		checkAlerts(t, central, h, hosts[1-i])
	}
}

// centralConfig loads the rules of this directory.
func centralConfig(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	config := "global: {evaluation_interval: 1s}\nrule_files:\n"
	for _, file := range ruleFiles {
		config += "  - " + filepath.Join(dir, file) + "\n"
	}
	return config
}

// agentConfig is agent.yml with other addresses, and in a hurry.
func agentConfig(t *testing.T, exporter, central string) string {
	t.Helper()
	config, err := os.ReadFile("agent.yml")
	if err != nil {
		t.Fatal(err)
	}
	text := string(config)
	for from, to := range map[string]string{
		"127.0.0.1:9435]":                          exporter + "]",
		"https://metrics.example.com/api/v1/write": central + "/api/v1/write",
		"scrape_interval: 15s":                     "scrape_interval: 1s",
	} {
		if !strings.Contains(text, from) {
			t.Fatalf("agent.yml has no %s", from)
		}
		text = strings.ReplaceAll(text, from, to)
	}
	return text
}

// checkLabels: the queries of docs/fleet.md work, and the rest has stayed on the host.
func checkLabels(t *testing.T, central string) {
	t.Helper()
	if got := ask(t, central, `max by (host) (porttrace_port_space_taken_ports / porttrace_port_space_capacity_ports) > 0.8`); len(got) != 2 {
		t.Errorf("got %v, want both hosts", got)
	}
	if got := ask(t, central, `porttrace_port_space_taken_ports{host="web-1"}`); len(got) != 2 || got[0]["netns"] != "" || got[0]["netns_name"] == got[1]["netns_name"] {
		t.Errorf("got %v, want two spaces without an inode", got)
	}
	for _, query := range []string{"porttrace_opens_total", `porttrace_findings{severity="info"}`} {
		if got := ask(t, central, query); len(got) != 0 {
			t.Errorf("got %v: that is asked on the host", got)
		}
	}
}

// checkAlerts: each text is about the host, with its program and destination where it has any.
func checkAlerts(t *testing.T, central string, h, other *host) {
	t.Helper()
	want := map[string][]string{
		"PorttracePortSpaceFull":    {h.program + ": 28000", h.daddr + ":443", "porttrace explain leak", "has 28232 ports"},
		"PorttraceCallsWithoutPort": {h.program + ": ", h.daddr + ":443: ", "porttrace explain leak"},
		"PorttraceLeak":             {h.program + ": 28000", h.daddr + ":443"},
		"PorttraceCallsFail":        {"listen_overflow", h.program + ", EADDRNOTAVAIL"},
		"PorttraceConntrackFull":    {h.program + ": 28000"},
		"PorttraceNotRecording":     nil,
		"PorttraceStale":            nil,
		"PorttraceEventsLost":       nil,
	}
	for name, parts := range want {
		wait(t, name+" of "+h.name, func() (string, bool) {
			text := alertText(t, central, name, h.name)
			return text, containsAll(text, append(parts, h.name)) && !strings.Contains(text, other.program) && !strings.Contains(text, other.daddr)
		})
	}
}

func containsAll(text string, parts []string) bool {
	return !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(text, part) })
}

// alertText returns what an alert says of an instance, also while it is pending.
func alertText(t *testing.T, server, name, instance string) (text string) {
	t.Helper()
	var data struct {
		Alerts []struct{ Labels, Annotations map[string]string }
	}
	get(t, server+"/api/v1/alerts", &data)
	for _, a := range data.Alerts {
		if a.Labels["alertname"] == name && a.Labels["instance"] == instance {
			text += a.Annotations["summary"] + "\n" + a.Annotations["description"] + "\n" + a.Annotations["runbook"]
		}
	}
	return text
}

// start runs a Prometheus until the test ends, and returns its address. With a host it is an agent.
func start(t *testing.T, host, config string, args ...string) string {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "config.yml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	address := freeAddress(t)
	storage := "--storage.tsdb.path=" + dir
	if host != "" {
		storage = "--storage.agent.path=" + dir
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, "prometheus", append(args, "--config.file="+file, "--web.listen-address="+address, storage)...)
	cmd.Env = append(os.Environ(), "HOST="+host)
	log := new(strings.Builder)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait()
		if t.Failed() {
			t.Log(log)
		}
	})
	wait(t, "prometheus", func() (string, bool) {
		answer, err := http.Get("http://" + address + "/-/ready")
		if err != nil {
			return err.Error(), false
		}
		answer.Body.Close()
		return answer.Status, answer.StatusCode == http.StatusOK
	})
	return "http://" + address
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// ask returns the labels of all series that a query finds, sorted.
func ask(t *testing.T, server, query string) (found []map[string]string) {
	t.Helper()
	var data struct {
		Result []struct{ Metric map[string]string }
	}
	get(t, server+"/api/v1/query?query="+url.QueryEscape(query), &data)
	for _, r := range data.Result {
		found = append(found, r.Metric)
	}
	slices.SortFunc(found, func(a, b map[string]string) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	return found
}

// get decodes the data of an answer of the API.
func get(t *testing.T, address string, data any) {
	t.Helper()
	answer, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body := struct{ Data any }{data}
	if err := json.NewDecoder(answer.Body).Decode(&body); err != nil {
		t.Fatal(err)
	}
}

func wait(t *testing.T, what string, holds func() (string, bool)) {
	t.Helper()
	got := ""
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		var is bool
		if got, is = holds(); is {
			return
		}
	}
	t.Fatalf("waited in vain for %s: %s", what, got)
}
