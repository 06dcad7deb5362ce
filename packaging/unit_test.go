package packaging

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/porttrace/porttrace/internal/lab/need"
)

// TestUnit: systemd understands all of the unit.
func TestUnit(t *testing.T) {
	t.Parallel()
	need.Program(t, "systemd-analyze")
	unit := filepath.Join(t.TempDir(), "porttrace.service")
	text := strings.ReplaceAll(read(t, "porttrace.service"), "/usr/bin/porttrace", "/bin/true")
	if err := os.WriteFile(unit, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("systemd-analyze", "verify", "--man=no", unit).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v: %s", err, out)
	}
}

// TestExposure: what the service could do to the host is below 3.0 of 10, by the measure of
// systemd-analyze security.
func TestExposure(t *testing.T) {
	t.Parallel()
	need.Program(t, "systemd-analyze")
	out, err := exec.Command("systemd-analyze", "security", "--no-pager", "--offline=true", "--threshold=29", "porttrace.service").CombinedOutput()
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	t.Log(lines[len(lines)-1])
	if err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

// TestScripts: the shell scripts are correct for a POSIX shell.
func TestScripts(t *testing.T) {
	t.Parallel()
	scripts, err := filepath.Glob("scripts/*.sh")
	if err != nil || len(scripts) != 4 {
		t.Fatalf("%q, %v", scripts, err)
	}
	for _, script := range append(scripts, "porttrace.openrc") {
		run(t, exec.Command("sh", "-n", script))
	}
}
