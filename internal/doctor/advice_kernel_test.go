package doctor

import (
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/lab/need"
)

// TestKernelTakesAdvice types the lines in a network namespace of its own, and what takes them
// back, and compares the settings. /etc/sysctl.d is another one there.
func TestKernelTakesAdvice(t *testing.T) {
	need.Root(t, "a network namespace")
	for _, c := range []struct {
		cause    Cause
		ports    event.PortRange
		reserved string
		wanted   float64
	}{
		{Churn, event.PortRange{Low: 40000, High: 40999}, "", 200},
		{Churn, defaultRange, "33000,50000-50009", 400},
		{NarrowRange, event.PortRange{Low: 40000, High: 41000}, "", 5},
		{PortTaken, defaultRange, "", 5},
		{PortTaken, defaultRange, "33000", 5},
		{TimeWaitOverflow, defaultRange, "", 5},
		{ForeignAddress, defaultRange, "", 5},
	} {
		s, subject := everything("nginx")
		n := &s.Namespaces[0]
		n.Ports, n.Reserved, n.Reuse = c.ports, c.reserved, 0
		s.PortSpaces[0].Range, s.PortSpaces[0].Capacity = c.ports, c.ports.Size()
		s.PortSpaces[0].Wanted = c.wanted
		before := fmt.Sprintf("sysctl -qw net.ipv4.ip_local_port_range='%d %d' net.ipv4.ip_local_reserved_ports='%s' net.ipv4.tcp_tw_reuse=0 "+
			"net.ipv4.tcp_max_tw_buckets=5000 net.ipv4.ip_nonlocal_bind=0", c.ports.Low, c.ports.High, c.reserved)
		tried := 0
		for _, a := range advised(s, c.cause, subject).Advice {
			if strings.Contains(a.Command, "sysctl -w") && !hasPlaceholder(a.Command) {
				tried++
				typeAdvice(t, string(c.cause), before, &a)
			}
		}
		if tried == 0 {
			t.Errorf("%s with %v: nothing to type", c.cause, c.ports)
		}
	}
}

const showSettings = "sysctl net.ipv4.ip_local_port_range net.ipv4.ip_local_reserved_ports net.ipv4.tcp_tw_reuse net.ipv4.tcp_max_tw_buckets net.ipv4.ip_nonlocal_bind; ls /etc/sysctl.d"

func typeAdvice(t *testing.T, name, before string, a *Advice) {
	t.Helper()
	script := strings.Join([]string{
		"set -e", "mount -t tmpfs none /etc/sysctl.d", before, showSettings, "echo ---", a.Command, showSettings,
		// at the next boot
		before, "cat /etc/sysctl.d/*.conf | sysctl -qp -", showSettings, "echo ---", a.Undo, showSettings,
	}, "\n")
	out, err := exec.Command("unshare", "-n", "-m", "sh", "-c", script).CombinedOutput()
	if err != nil {
		t.Errorf("%s: %v\n%s\n%s", name, err, a.Command, out)
		return
	}
	parts := strings.Split(string(out), "---\n")
	if len(parts) != 3 {
		t.Fatalf("%s: %s", name, out)
	}
	set := strings.Split(parts[1], "net.ipv4.ip_local_port_range = ")
	typed, booted := set[len(set)-2], set[len(set)-1]
	undone := parts[2][strings.LastIndex(parts[2], "net.ipv4.ip_local_port_range = "):]
	switch {
	case typed != booted:
		t.Errorf("%s: %s\ntyped:\n%s\nafter a boot:\n%s", name, a.Command, typed, booted)
	case strings.Contains(parts[0], typed):
		t.Errorf("%s: %s changes nothing", name, a.Command)
	case undone != parts[0]:
		t.Errorf("%s: %s\nleaves\n%s\nbefore it was\n%s", name, a.Undo, undone, parts[0])
	}
}

// TestNginxTakesAdvice and the next have the programs check the lines for their configuration.
func TestNginxTakesAdvice(t *testing.T) {
	t.Parallel()
	l := narrowChurn("nginx")
	keep := fill(findAdvice(t, l, Churn, "keepalive").Command)
	upstream, location, _ := strings.Cut(keep, "# in the location")
	split := fill(findAdvice(t, manyPorts("nginx"), Churn, "split_clients").Command)
	head, bind, _ := strings.Cut(split, "# in the location")
	late := fill(findAdvice(t, l, EarlyBind, "proxy_bind").Command)
	config := fmt.Sprintf("events {}\npid %s/pid;\nerror_log stderr;\nhttp { access_log off;\n%s\n%s\nserver { listen 127.0.0.1:9; location / {\n proxy_pass http://name;\n#%s\n#%s\n}\nlocation /late {\nproxy_pass http://name;\n%s\n}}}\n",
		t.TempDir(), upstream, head, location, bind, late)
	checkWith(t, config, "nginx", "-t", "-c")
}

func TestHAProxyTakesAdvice(t *testing.T) {
	t.Parallel()
	l := narrowChurn("haproxy")
	for _, a := range []*Advice{
		findAdvice(t, l, Churn, "http-reuse"), findAdvice(t, manyPorts("haproxy"), Churn, "source <local"), findAdvice(t, l, EarlyBind, "source <local"),
	} {
		config := "defaults\n    mode http\n    option httpclose\n    timeout connect 1s\n    timeout client 1s\n    timeout server 1s\n" +
			"frontend web\n    bind 127.0.0.1:9\n    default_backend name\n" + fill(a.Command) + "\n"
		checkWith(t, config, "haproxy", "-c", "-f")
	}
}

// manyPorts is a load that only several addresses serve.
func manyPorts(program string) testLoad {
	l := narrowChurn(program)
	l.ports, l.wanted = defaultRange, 1500
	return l
}

func findAdvice(t *testing.T, l testLoad, cause Cause, word string) *Advice {
	t.Helper()
	f := advised(l.seen(), cause, l.subject())
	for i := range f.Advice {
		if strings.Contains(f.Advice[i].Command, word) {
			return &f.Advice[i]
		}
	}
	t.Fatalf("%s: no advice with %q:%s", cause, word, show(f))
	return nil
}

// fill puts something for the placeholders.
func fill(command string) string {
	return placeholder.ReplaceAllStringFunc(command, func(p string) string {
		if strings.Contains(p, "address") {
			return "127.0.0.1"
		}
		return strings.ReplaceAll(strings.Trim(p, "<>"), " ", "")
	})
}

// checkWith has a program check a file.
func checkWith(t *testing.T, text, program string, args ...string) {
	t.Helper()
	path := need.Program(t, program)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(path, append(args, file)...).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s\n%s", err, out, text)
	}
}

// TestSyntaxOfAdvice has interpreters check the lines for them.
func TestSyntaxOfAdvice(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		program, word string
		checker       []string
	}{
		{"node", "keepAlive", []string{"node", "--check"}},
		{"python3", "Session", []string{"python3", "-m", "py_compile"}},
		{"curl", "--next", []string{"sh", "-n"}},
		{"psql", "psql -h", []string{"sh", "-n"}},
		{"ab", "ab -k", []string{"sh", "-n"}},
	} {
		t.Run(c.program, func(t *testing.T) {
			t.Parallel()
			checkWith(t, fill(findAdvice(t, narrowChurn(c.program), Churn, c.word).Command), c.checker[0], c.checker[1:]...)
		})
	}
	t.Run("go", func(t *testing.T) {
		t.Parallel()
		snippet := findAdvice(t, narrowChurn("unknown"), Churn, "MaxIdleConnsPerHost").Command
		if _, err := parser.ParseFile(token.NewFileSet(), "", "package p\nfunc f() {\n"+snippet+"\n}", 0); err != nil {
			t.Errorf("%v\n%s", err, snippet)
		}
	})
	t.Run("shell", func(t *testing.T) {
		t.Parallel()
		for _, cause := range allCauses {
			s, subject := everything("unknown")
			for _, a := range advised(s, cause, subject).Advice {
				if shellLine(a.Command) {
					checkWith(t, fill(a.Command)+"\n"+fill(a.Undo), "sh", "-n")
				}
			}
		}
	})
}

// shellLine reports whether a command is for the shell.
func shellLine(command string) bool {
	for _, word := range []string{"sysctl", "ss ", "ip ", "conntrack", "iptables", "prlimit", "mkdir", "nft", "nstat", "kill", "systemctl", "ls ", "cat ", "echo"} {
		if strings.HasPrefix(command, word) {
			return true
		}
	}
	return false
}
