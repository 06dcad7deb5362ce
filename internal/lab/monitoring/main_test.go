package monitoring

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/porttrace/porttrace/internal/lab"
)

// scratch is a directory for all tests.
var scratch string

func TestMain(m *testing.M) {
	lab.MaybeRun()
	dir, err := os.MkdirTemp("", "porttrace-monitoring-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	scratch = dir
	status := m.Run()
	if err := os.RemoveAll(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		status = 1
	}
	os.Exit(status)
}

// binary builds the program, once.
var binary = sync.OnceValues(func() (string, error) {
	path := filepath.Join(scratch, "porttrace")
	build := exec.Command("go", "build", "-buildvcs=false", "-o", path, "../../../cmd/porttrace")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	output, err := build.CombinedOutput()
	if err != nil {
		err = errors.New("building porttrace: " + err.Error() + ": " + string(output))
	}
	return path, err
})

// noError ends the test at the first error.
func noError(t testing.TB, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}
