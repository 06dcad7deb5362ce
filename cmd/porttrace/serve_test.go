package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/lab/built"
	"github.com/porttrace/porttrace/internal/lab/need"
)

// serveBound is how long serve may take for anything. No test asserts a time.
const serveBound = 30 * time.Second

// served is a running porttrace serve.
type served struct {
	*testing.T
	cmd    *exec.Cmd
	url    string
	stderr *bytes.Buffer
	ended  chan error
}

// startServe builds the program and starts serve on a free port.
func startServe(t *testing.T, args ...string) *served {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "porttrace")
	build := exec.Command("go", "build", "-buildvcs=false", "-o", binary, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building porttrace: %v: %s", err, output)
	}
	s := &served{T: t, stderr: &bytes.Buffer{}, ended: make(chan error, 1)}
	s.cmd = exec.Command(binary, append([]string{"serve", "--listen", "127.0.0.1:0"}, args...)...)
	pipe, err := s.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.cmd.Process.Kill() }) // fails if it has ended
	lines := bufio.NewScanner(pipe)
	for s.url == "" && lines.Scan() {
		fmt.Fprintln(s.stderr, lines.Text())
		_, s.url, _ = strings.Cut(lines.Text(), "serving metrics on ")
	}
	if s.url == "" {
		t.Fatalf("serve has ended: %v: %s", s.cmd.Wait(), s.stderr)
	}
	go func() {
		_, _ = io.Copy(s.stderr, pipe)
		s.ended <- s.cmd.Wait()
	}()
	return s
}

// end ends it as systemd does, and checks that this is a success.
func (s *served) end() {
	s.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		s.Fatal(err)
	}
	select {
	case err := <-s.ended:
		if err != nil {
			s.Errorf("%v: %s", err, s.stderr)
		}
	case <-time.After(serveBound):
		s.Fatal("it has not ended")
	}
}

// scrape returns the metrics.
func (s *served) scrape() string {
	s.Helper()
	answer, err := http.Get(s.url)
	if err != nil {
		s.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		s.Fatalf("%d: %v: %s", answer.StatusCode, err, text)
	}
	return string(text)
}

// sumOf returns the sum of the series with that name whose labels have all the parts, and how many they are.
func sumOf(text, name string, parts ...string) (sum float64, many int) {
	for line := range strings.Lines(text) {
		series, value, _ := strings.Cut(strings.TrimSpace(line), "} ")
		if series == line || !strings.HasPrefix(series, name+"{") {
			continue
		}
		has := true
		for _, part := range parts {
			has = has && strings.Contains(series+"}", part)
		}
		if n, err := strconv.ParseFloat(value, 64); has && err == nil {
			sum, many = sum+n, many+1
		}
	}
	return sum, many
}

// figure is a value of a scrape and what it must be.
type figure struct {
	name  string
	parts []string
	want  float64
}

var skippedRuns = regexp.MustCompile(`(?m)^porttrace_skipped_runs_total (.*)$`)

// await scrapes until all figures are what they must be, but for the runs that the kernel skipped.
func (s *served) await(figures []figure) {
	s.Helper()
	until := time.Now().Add(serveBound)
	for {
		text, wrong := s.scrape(), ""
		skipped, err := strconv.ParseFloat(skippedRuns.FindStringSubmatch(text)[1], 64)
		noError(s.T, err)
		for _, f := range figures {
			if got, many := sumOf(text, f.name, f.parts...); math.Abs(got-f.want) > skipped || many == 0 {
				wrong += fmt.Sprintf("%s%v: %v in %d series, want %v\n", f.name, f.parts, got, many, f.want)
			}
		}
		if wrong == "" {
			return
		}
		if time.Now().After(until) {
			s.Fatalf("%s%s", wrong, regexp.MustCompile(`(?m)^(#|go_|process_|porttrace_findings).*\n`).ReplaceAllString(text, ""))
		}
		time.Sleep(500 * time.Millisecond)
	}
}

// TestServe: an exhaustion of a port space is served as the kernel and the program have it, and recorded.
func TestServe(t *testing.T) {
	t.Parallel()
	need.Root(t, "tracing")
	need.BTF(t)
	need.Programs(t, "ss", "nsenter")
	netns, err := lab.NewNetns()
	noError(t, err)
	t.Cleanup(func() { noError(t, netns.Close()) })
	noError(t, netns.PortRange(40_000, 40_099))
	server, err := netns.Serve("backend", lab.Server{Listen: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:9000")}})
	noError(t, err)
	t.Cleanup(server.Stop)

	dir := filepath.Join(t.TempDir(), "ring")
	s := startServe(t, "--netns", fmt.Sprint(netns.Inode()), "--ring", "1m", "--on", "full", "--after", "1s", "-o", dir)
	s.await([]figure{{"porttrace_ephemeral_ports", []string{fmt.Sprintf(`netns="%d"`, netns.Inode())}, 100}})

	client, err := netns.Spawn("leaky", &lab.Client{To: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:9000")}, Count: 130, Hold: true, For: 4 * serveBound})
	noError(t, err)
	t.Cleanup(client.Stop)
	var result lab.Result
	noError(t, client.Decode(&result))
	space := []string{`dport="9000"`, `daddr="127.0.0.1"`, `kind="connect"`, fmt.Sprintf(`netns="%d"`, netns.Inode())}
	established := socketsOf(t, client.PID(), "state established dport = :9000")
	s.await([]figure{
		{"porttrace_port_space_capacity_ports", space, 100},
		{"porttrace_port_space_in_use_ports", space, established},
		{"porttrace_port_space_state_ports", append(space, `state="open"`), established},
		{"porttrace_port_space_exhaustion_seconds", space, 0},
		{"porttrace_port_space_exhausted_calls_total", space, 30},
		{"porttrace_exhausted_calls_total", []string{`op="connect"`}, 30},
		{"porttrace_connect_failures_total", []string{`program="leaky"`, `errno="EADDRNOTAVAIL"`, `reason="range_exhausted"`}, 30},
		{"porttrace_opens_total", []string{`program="leaky"`}, counter(t, netns, "ActiveOpens")},
		{"porttrace_outgoing_connections", []string{`program="leaky"`, `state="open"`}, established},
		{"porttrace_port_spaces", []string{`state="full"`}, 1},
	})
	if established != 100 {
		t.Errorf("%v connections are established, want every port", established)
	}
	noError(t, client.Release())
	// Both ends of each; on loopback a late RST of the closed one can end some TIME_WAIT early.
	built.Eventually(t, "all connections are closed", func() bool { return socketsOf(t, server.PID(), "state connected exclude time-wait") == 0 })
	s.await([]figure{
		{"porttrace_closes_total", []string{`program="leaky"`, `direction="out"`}, 100},
		{"porttrace_time_wait_sockets", []string{`side="out"`}, socketsOf(t, server.PID(), "state time-wait dport = :9000")},
	})
	if promtool, ok := need.Find("promtool"); ok {
		check := exec.Command(promtool, "check", "metrics")
		check.Stdin = strings.NewReader(s.scrape())
		if out, err := check.CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	}
	s.end()
	kept, err := filepath.Glob(filepath.Join(dir, "incidents", "*-full"))
	if err != nil || len(kept) != 1 {
		t.Errorf("incidents %v: %v: %s", kept, err, s.stderr)
	}
	if lines := regexp.MustCompile(`(?m)^serving metrics on http://127\.0\.0\.1:\d+/metrics$`); !lines.MatchString(s.stderr.String()) {
		t.Errorf("no line says where: %s", s.stderr)
	}
}

// socketsOf returns how many sockets ss lists in the network namespace of a process.
func socketsOf(t *testing.T, pid int, filter string) float64 {
	t.Helper()
	args := append([]string{"-t", fmt.Sprint(pid), "-n", "ss", "-Htn"}, strings.Fields(filter)...)
	out, err := exec.Command("nsenter", args...).Output()
	noError(t, err)
	return float64(bytes.Count(out, []byte("\n")))
}

// counter returns a count of the kernel, as nstat shows it.
func counter(t *testing.T, netns *lab.Netns, name string) float64 {
	t.Helper()
	text, err := netns.ReadNet("snmp")
	noError(t, err)
	var names []string
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if fields[0] != "Tcp:" {
			continue
		}
		if names == nil {
			names = fields
			continue
		}
		for i := range fields {
			if names[i] == name {
				n, err := strconv.ParseFloat(fields[i], 64)
				noError(t, err)
				return n
			}
		}
	}
	t.Fatalf("no %s in %s", name, text)
	return 0
}

func noError(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
