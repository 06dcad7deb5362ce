package kerneltest

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/lab/need"
	"github.com/porttrace/porttrace/internal/probe"
)

func TestMain(m *testing.M) {
	lab.MaybeRun()
	err := parseHooks(os.Getenv(hooksEnv))
	if err == nil && os.Getenv(helperEnv) == "" {
		code := m.Run()
		if agent.changes != nil {
			agent.changes.Close()
		}
		os.Exit(code)
	}
	if err == nil {
		err = runHelper(os.Getenv(helperEnv))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// hooksEnv names the hooks that may be used, as --hooks does.
const hooksEnv = "PORTTRACE_TEST_HOOKS"

// allowedHooks are those that PORTTRACE_TEST_HOOKS names; nil without it.
var allowedHooks []probe.Hook

func parseHooks(names string) error {
	for name := range strings.SplitSeq(names, ",") {
		switch hook := probe.Hook(name); {
		case name == "":
		case slices.Contains(probe.Hooks, hook):
			allowedHooks = append(allowedHooks, hook)
		default:
			return fmt.Errorf("%s: no such hook: %q", hooksEnv, name)
		}
	}
	return nil
}

// needKernel skips the test if nothing can be traced here. With root, BTF and a kernel that
// porttrace supports, a test that cannot attach fails.
func needKernel(t testing.TB) {
	t.Helper()
	need.Root(t, "attaching to the kernel")
	if !kernelAtLeast(t, 5, 10) {
		t.Skip("this kernel is older than 5.10")
	}
	need.BTF(t)
}

func kernelAtLeast(t testing.TB, major, minor int) bool {
	t.Helper()
	var u unix.Utsname
	noError(t, unix.Uname(&u))
	var haveMajor, haveMinor int
	release := unix.ByteSliceToString(u.Release[:])
	if _, err := fmt.Sscanf(release, "%d.%d", &haveMajor, &haveMinor); err != nil {
		t.Fatalf("release %q: %v", release, err)
	}
	return haveMajor > major || haveMajor == major && haveMinor >= minor
}

// fewer returns the second number if time is short: in virtual machines.
func fewer(many, few int) int {
	if testing.Short() {
		return few
	}
	return many
}
