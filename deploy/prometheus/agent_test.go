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
	"strings"
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

// metrics are a few of docs/metrics.md, of two port spaces and one program.
const metrics = `# TYPE porttrace_port_space_taken_ports gauge
porttrace_port_space_taken_ports{kind="connect",netns="4026531840",netns_name="host",daddr="10.0.0.2",dport="443"} 28000
porttrace_port_space_taken_ports{kind="connect",netns="4026532001",netns_name="shop/web",daddr="10.0.0.2",dport="443"} 12
# TYPE porttrace_port_space_capacity_ports gauge
porttrace_port_space_capacity_ports{kind="connect",netns="4026531840",netns_name="host",daddr="10.0.0.2",dport="443"} 28232
# TYPE porttrace_exhausted_calls_total counter
porttrace_exhausted_calls_total{op="connect"} 7
# TYPE porttrace_opens_total counter
porttrace_opens_total{program="nginx"} 100
`

// TestRemoteWrite: two agents scrape, and push what agent.yml lets through to another Prometheus,
// where each host has its name.
func TestRemoteWrite(t *testing.T) {
	t.Parallel()
	need.Programs(t, "prometheus")
	exporter := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, metrics)
	}))
	defer exporter.Close()
	central := start(t, "", "global: {}\n", "--web.enable-remote-write-receiver")
	config, err := os.ReadFile("agent.yml")
	if err != nil {
		t.Fatal(err)
	}
	text := string(config)
	for from, to := range map[string]string{
		"127.0.0.1:9435": exporter.Listener.Addr().String(),
		"https://metrics.example.com/api/v1/write": central + "/api/v1/write",
		"scrape_interval: 15s":                     "scrape_interval: 1s",
	} {
		if !strings.Contains(text, from) {
			t.Fatalf("agent.yml has no %s", from)
		}
		text = strings.ReplaceAll(text, from, to)
	}
	for _, host := range []string{"web-1", "web-2"} {
		start(t, host, text, "--enable-feature=agent,expand-external-labels")
	}
	wait(t, "the hosts that are nearly out of ports", func() (string, bool) {
		got := ask(t, central, `(sum by (host, netns_name, daddr) (porttrace_port_space_taken_ports) / sum by (host, netns_name, daddr) (porttrace_port_space_capacity_ports)) > 0.8`)
		return fmt.Sprint(got), len(got) == 2 && got[0]["host"] != got[1]["host"] && got[0]["netns_name"] == "host"
	})
	if got := ask(t, central, `porttrace_port_space_taken_ports{host="web-1"}`); len(got) != 2 || got[0]["netns"] != "" {
		t.Errorf("got %v, want two spaces without an inode", got)
	}
	if got := ask(t, central, `sum by (host) (porttrace_exhausted_calls_total)`); len(got) != 2 {
		t.Errorf("got %v, want the failures of both", got)
	}
	if got := ask(t, central, `porttrace_opens_total`); len(got) != 0 {
		t.Errorf("got %v: the figures of programs stay on the host", got)
	}
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

// ask returns the labels of all series that a query finds.
func ask(t *testing.T, server, query string) []map[string]string {
	t.Helper()
	answer, err := http.Get(server + "/api/v1/query?query=" + url.QueryEscape(query))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var body struct {
		Data struct {
			Result []struct{ Metric map[string]string }
		}
	}
	if err := json.NewDecoder(answer.Body).Decode(&body); err != nil {
		t.Fatal(err)
	}
	var found []map[string]string
	for _, r := range body.Data.Result {
		found = append(found, r.Metric)
	}
	return found
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
