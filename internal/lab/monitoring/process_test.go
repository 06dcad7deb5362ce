package monitoring

import (
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/lab/built"
)

// process is a program that ends with the test at the latest.
type process struct {
	cmd   *exec.Cmd
	said  built.Output
	ended chan struct{}
}

func startProcess(t *testing.T, line ...string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(line[0], line[1:]...), ended: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = &p.said, &p.said
	noError(t, p.cmd.Start())
	go func() {
		_ = p.cmd.Wait() // what is awaited of it says whether it did its work
		close(p.ended)
	}()
	t.Cleanup(func() { p.stop(t) })
	return p
}

// stop ends it as Ctrl-C does.
func (p *process) stop(t *testing.T) {
	t.Helper()
	_ = p.cmd.Process.Signal(os.Interrupt) // fails if it has ended
	select {
	case <-p.ended:
	case <-time.After(built.Bound):
		_ = p.cmd.Process.Kill()
		t.Errorf("it did not end: %s", p.said.String())
		<-p.ended
	}
}

// await waits until a condition holds, as long as the process runs.
func (p *process) await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(built.Bound); !holds(); time.Sleep(50 * time.Millisecond) {
		select {
		case <-p.ended:
			t.Fatalf("%s ended before %s:\n%s", p.cmd.Path, what, p.said.String())
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s\n%s", what, p.said.String())
		}
	}
}

// freeAddress returns an address of loopback at which nothing listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	noError(t, err)
	defer l.Close()
	return l.Addr().String()
}

// startServe starts porttrace serve with some flags more, and returns its address once it is ready.
func startServe(t *testing.T, flags ...string) (*process, string) {
	t.Helper()
	path, err := binary()
	noError(t, err)
	address := freeAddress(t)
	p := startProcess(t, append([]string{path, "serve", "--listen", address}, flags...)...)
	p.await(t, "it is ready", func() bool {
		_, err := get("http://" + address + "/readyz")
		return err == nil
	})
	return p, address
}

// promConfig scrapes porttrace each second.
const promConfig = `
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [rules.yml]
scrape_configs:
  - job_name: porttrace
    static_configs: [{targets: [TARGET]}]
`

// configFor returns the configuration of Prometheus for a target.
func configFor(target string) string { return strings.ReplaceAll(promConfig, "TARGET", target) }
