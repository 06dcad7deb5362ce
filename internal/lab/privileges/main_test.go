package privileges

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/lab/need"
)

// binary is the built program, which every user may run.
var binary string

func TestMain(m *testing.M) {
	lab.MaybeRun()
	status, err := buildAndRun(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		status = 1
	}
	os.Exit(status)
}

func buildAndRun(m *testing.M) (status int, err error) {
	dir, err := os.MkdirTemp("", "porttrace-privileges-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := os.Chmod(dir, 0o755); err != nil {
		return 0, err
	}
	binary = filepath.Join(dir, "porttrace")
	build := exec.Command("go", "build", "-buildvcs=false", "-o", binary, "../../../cmd/porttrace")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("building porttrace: %w: %s", err, output)
	}
	return m.Run(), nil
}

// needHost skips the test where nothing can be traced.
func needHost(t *testing.T) {
	t.Helper()
	need.Root(t, "tracing, and dropping privileges")
	need.BTF(t)
}

// noError ends the test at the first error.
func noError(t testing.TB, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}
