package incidents

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/lab/need"
)

var onlyLoads = flag.String("loads", "", "run these loads, by name, separated by commas; all: every one")

func TestMain(m *testing.M) {
	lab.MaybeRun()
	if role := os.Getenv(helperEnv); role != "" {
		if err := runHelper(role, os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// needKernel skips the test if nothing can be traced here.
func needKernel(t *testing.T) {
	t.Helper()
	need.Root(t, "attaching to the kernel")
	need.BTF(t)
	if *onlyLoads == "" {
		t.Skip("real programs that misbehave: make test-incidents")
	}
}
