package doctor

import (
	"bufio"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/lab/need"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// TestPortIsFreeAfterAdvice has one piece of advice that reserves the port and frees it.
func TestPortIsFreeAfterAdvice(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*snapshot.Failure)
		want   []string
	}{
		"a connection": {func(*snapshot.Failure) {}, []string{"sysctl -w net.ipv4.ip_local_reserved_ports", "ss -HtnpK src", "# printed nothing? restart nginx(4242)", "# then start service"}},
		"TIME_WAIT": {func(f *snapshot.Failure) {
			f.HeldBy.State, f.HeldBy.FreeIn = event.StateTimeWait, 43*time.Second
		}, []string{"sysctl -w net.ipv4.ip_local_reserved_ports", "# wait 43 s, then start service"}},
		"another process of the program": {func(f *snapshot.Failure) {
			f.Proc.Comm, f.HeldBy.Outgoing = "nginx", true
		}, []string{"sysctl -w net.ipv4.ip_local_reserved_ports", "ss -HtnpK src", "# then start nginx"}},
	} {
		s, subject := everything("nginx")
		c.change(&s.Failures[0])
		f := advised(s, RangeOverlapsListeners, subject)
		if len(f.Advice) != 1 {
			t.Errorf("%s: %d pieces of advice, want one that ends it:%s", name, len(f.Advice), show(f))
			continue
		}
		rest := f.Advice[0].Command
		for _, want := range c.want {
			_, after, found := strings.Cut(rest, want)
			if !found {
				t.Errorf("%s lacks %q, in this order:\n%s", name, want, f.Advice[0].Command)
			}
			rest = after
		}
		if strings.Contains(f.Advice[0].Action, "SO_REUSEADDR") {
			t.Errorf("%s: SO_REUSEADDR does nothing here: %s", name, f.Advice[0].Action)
		}
	}
}

// TestKernelFreesPort follows the advice literally: before it, a service cannot have the port.
func TestKernelFreesPort(t *testing.T) {
	t.Parallel()
	need.Root(t, "a network namespace")
	need.Programs(t, "unshare", "ss", "python3", "ip")
	s, subject := everything("nginx")
	s.Failures[0].HeldBy.Local, s.Failures[0].HeldBy.Remote = end("127.0.0.1:40740"), end("127.0.0.1:9000")
	command := advised(s, RangeOverlapsListeners, subject).Advice[0].Command
	run := exec.Command("unshare", "-n", "-m", "sh", "-c", "mount -t tmpfs none /etc/sysctl.d; ip link set lo up; exec python3 -c \"$0\" \"$1\"", freeScript, command)
	out, err := run.CombinedOutput()
	lines := bufio.NewScanner(strings.NewReader(string(out)))
	var last string
	for lines.Scan() {
		last = lines.Text()
	}
	switch {
	case last == "no destroy":
		need.NoOption(t, "CONFIG_INET_DIAG_DESTROY", "ss -K ends no connection here")
	case err != nil || last != "before: in use, after: free":
		t.Errorf("%v: %s\n%s", err, out, command)
	}
}

const freeScript = `
import socket, subprocess, sys
def bind(s):
    try: s.bind(("0.0.0.0", 40740)); return "free"
    except OSError: return "in use"
open("/proc/sys/net/ipv4/ip_local_port_range", "w").write("40740 40741")
l = socket.socket(); l.bind(("127.0.0.1", 9000)); l.listen()
held = [socket.create_connection(("127.0.0.1", 9000)) for _ in range(2)]
before = bind(socket.socket())
def run(command): return subprocess.run(["sh", "-c", command], capture_output=True, text=True).stdout
if ":40741" not in run("ss -HtnK sport = :40741"): print("no destroy"); sys.exit()
run(sys.argv[1])
print("before: %s, after: %s" % (before, bind(socket.socket())))
`
