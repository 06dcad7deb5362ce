// Package built runs the built program in tests: it is compiled once for the tests of a package, and a
// process of it ends with the test that has started it.
package built

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/porttrace/porttrace/internal/lab"
)

// Main is the TestMain of a package in a folder of internal/lab: it compiles the program, which every
// user may run, writes its path to binary, and runs the tests.
func Main(m *testing.M, binary *string) {
	lab.MaybeRun()
	status, err := buildAndRun(m, binary)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		status = 1
	}
	os.Exit(status)
}

func buildAndRun(m *testing.M, binary *string) (status int, err error) {
	dir, err := os.MkdirTemp("", "porttrace-built-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := os.Chmod(dir, 0o755); err != nil {
		return 0, err
	}
	*binary = filepath.Join(dir, "porttrace")
	build := exec.Command("go", "build", "-buildvcs=false", "-o", *binary, "../../../cmd/porttrace")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("building porttrace: %w: %s", err, output)
	}
	return m.Run(), nil
}
