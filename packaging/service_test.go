package packaging

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/lab/need"
)

// The service as systemd runs it, with all that the unit forbids: started, killed, restarted, and
// with wrong settings. Each step prints a line "name: value".
const serviceScript = `
state() { systemctl show -p "$1" --value porttrace; }
wait_for() { for i in $(seq 300); do [ "$(state "$1")" = "$2" ] && return; sleep 0.1; done; }
wait_file() { for i in $(seq 300); do [ "$(ls /var/lib/porttrace/*.ptrace | wc -l)" -ge "$1" ] && return; sleep 0.1; done; }
# Without curl: this Debian has as little as possible.
scrape() { exec 3<>/dev/tcp/127.0.0.1/9435 && printf 'GET /metrics HTTP/1.0\r\n\r\n' >&3 && grep -c '^porttrace_' <&3; exec 3>&-; }
wait_scrape() { for i in $(seq 300); do [ "$(scrape 2>/dev/null || echo 0)" -gt 20 ] && echo yes && return; sleep 0.1; done; echo no; }
systemctl enable --now porttrace
wait_file 1
pid=$(state MainPID)
echo "started: $(state ActiveState)"
echo "scraped: $(wait_scrape)"
sed -nE 's/^(CapEff|NoNewPrivs|Seccomp):\s+/\1: /p; s/^Uid:\s+([0-9]+).*/Uid: \1/p' /proc/$pid/status
[ "$pid" -gt 0 ] && kill -9 "$pid"
wait_for NRestarts 1
wait_file 2
echo "killed: $(state ActiveState)"
echo "scraped after it: $(wait_scrape)"
systemctl restart porttrace
wait_file 3
echo "restarted: $(state ActiveState)"
systemctl stop porttrace
echo "stopped: $(state Result)"
porttrace report /var/lib/porttrace >/dev/null && echo "report: $?"
echo "mode: $(stat -Lc %a /var/lib/porttrace) $(stat -Lc %a /var/lib/porttrace/*.ptrace | sort -u)"
sed -i 's/^ring .*/ring = soon/' /etc/porttrace/porttrace.conf
systemctl restart porttrace
wait_for ActiveState failed
echo "wrong: $(state ExecMainStatus) after $(state NRestarts) restarts"
dpkg -r porttrace >/dev/null
echo "removed: $(systemctl is-enabled porttrace 2>/dev/null || echo no)"
journalctl -u porttrace --no-pager -o cat
systemctl --no-block poweroff
`

// TestService runs the unit by a real systemd, in a container.
func TestService(t *testing.T) {
	dist := firstRelease(t)
	need.BTF(t)
	nspawn := need.Program(t, "systemd-nspawn")
	d := newDebian(t)
	deb := "porttrace_1.0.0-1_" + strings.TrimSpace(d.run("dpkg", "--print-architecture")) + ".deb"
	d.copyIn(filepath.Join(dist, deb))
	d.run("dpkg", "-i", "/tmp/"+deb)
	d.write("/test.sh", serviceScript)
	d.write("/etc/systemd/system/test.service", "[Unit]\nAfter=basic.target\n[Service]\nType=oneshot\nExecStart=/bin/bash /test.sh\nStandardOutput=file:/test.out\nStandardError=file:/test.err\n")
	d.run("systemctl", "add-wants", "multi-user.target", "test.service")

	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	boot := exec.CommandContext(ctx, nspawn, "--quiet", "--directory="+d.root, "--boot", "--register=no", "--keep-unit", "--private-network",
		"--capability=all", "--system-call-filter=bpf perf_event_open", "--bind-ro=/sys/kernel/btf")
	console, err := boot.CombinedOutput()
	out, _ := os.ReadFile(d.root + "/test.out")
	if err != nil {
		t.Errorf("%v: %s", err, console)
	}
	for _, line := range []string{
		"started: active", "scraped: yes", "scraped after it: yes", "CapEff: 0000008000081004", "NoNewPrivs: 1", "Seccomp: 2", "killed: active", "restarted: active",
		"stopped: success", "report: 0", "mode: 750 600", "wrong: 2 after 0 restarts", "removed: no",
	} {
		if !strings.Contains(string(out), line+"\n") {
			t.Errorf("no line %q", line)
		}
	}
	if strings.Contains(string(out), "Uid: 0\n") || !strings.Contains(string(out), "Uid: ") {
		t.Error("it runs as root")
	}
	if t.Failed() {
		errors, _ := os.ReadFile(d.root + "/test.err")
		t.Logf("%s\n%s", out, errors)
	}
}
