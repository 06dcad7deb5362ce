package incidents

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"github.com/porttrace/porttrace/internal/lab"
)

var (
	onlyLoads = flag.String("loads", "", "run these loads, by name, separated by commas; all: every one")
	noDoctor  = flag.Bool("no-doctor", false, "only check that the loads are what they are meant to be")
)

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
	if os.Geteuid() != 0 {
		t.Skip("attaching to the kernel needs root")
	}
	if _, err := os.Stat("/sys/kernel/btf/vmlinux"); err != nil {
		t.Skipf("this kernel has no BTF: %v", err)
	}
	if *onlyLoads == "" {
		t.Skip("real programs that misbehave: make test-incidents")
	}
}
