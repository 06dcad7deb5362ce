package need

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"testing"
)

// outcome is how a test ends.
type outcome struct {
	testing.TB
	skipped, failed string
}

func (o *outcome) Helper() {}

func (o *outcome) Skip(args ...any) {
	o.skipped = args[0].(string)
	runtime.Goexit()
}

func (o *outcome) Fatal(args ...any) {
	o.failed = fmt.Sprint(args...)
	runtime.Goexit()
}

// run returns how a test ends.
func run(t *testing.T, test func(testing.TB)) outcome {
	got := outcome{TB: t}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		test(&got)
	}()
	<-ended
	return got
}

// What is lacking skips a test with the reason; where nothing may be lacking it fails.
func TestProgram(t *testing.T) {
	for _, complete := range []string{"", "1"} {
		t.Setenv(completeEnv, complete)
		got := run(t, func(t testing.TB) { Program(t, "no-such-program") })
		if complete == "" && (got.skipped != "no-such-program is not installed" || got.failed != "") {
			t.Errorf("skipped %q, failed %q", got.skipped, got.failed)
		}
		if complete != "" && (got.skipped != "" || got.failed != "PORTTRACE_COMPLETE is set, but no-such-program is not installed") {
			t.Errorf("complete: skipped %q, failed %q", got.skipped, got.failed)
		}
	}
}

// A command that fails skips the test only if its module is not there: /sys/module has kernel for
// what cannot be a module.
func TestWorks(t *testing.T) {
	t.Parallel()
	for module, fails := range map[string]bool{"no_such_module": false, "kernel": true} {
		got := run(t, func(t testing.TB) { Works(t, module, "false") })
		if fails != (got.failed != "") || fails == (got.skipped != "") {
			t.Errorf("%s: skipped %q, failed %q", module, got.skipped, got.failed)
		}
	}
	if got := run(t, func(t testing.TB) { Works(t, "kernel", "true") }); got.failed+got.skipped != "" {
		t.Errorf("skipped %q, failed %q", got.skipped, got.failed)
	}
}

// What a kernel has by its configuration is no reason to skip.
func TestNoOption(t *testing.T) {
	config, err := readConfig()
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("this host has no configuration of its kernel: " + err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	if !hasOption(config, "CONFIG_NET") || hasOption(config, "CONFIG_NET_NONE_SUCH") {
		t.Error("CONFIG_NET is not found, or one that is not there")
	}
	if got := run(t, func(t testing.TB) { NoOption(t, "CONFIG_NET", "it does not work") }); got.failed == "" || got.skipped != "" {
		t.Errorf("skipped %q, failed %q", got.skipped, got.failed)
	}
	if got := run(t, func(t testing.TB) { NoOption(t, "CONFIG_NET_NONE_SUCH", "it does not work") }); got.failed != "" || got.skipped == "" {
		t.Errorf("skipped %q, failed %q", got.skipped, got.failed)
	}
}

func TestHasOption(t *testing.T) {
	const config = "# CONFIG_A is not set\nCONFIG_B=y\nCONFIG_C=m\nCONFIG_BB=\"y\"\n"
	for option, want := range map[string]bool{"CONFIG_A": false, "CONFIG_B": true, "CONFIG_C": true, "CONFIG_BB": false, "CONFIG": false} {
		if hasOption(config, option) != want {
			t.Errorf("%s: want %t", option, want)
		}
	}
}

func TestFound(t *testing.T) {
	for _, c := range []struct {
		lacks           string
		err             error
		skipped, failed bool
	}{{"", nil, false, false}, {"no such module", nil, true, false}, {"", os.ErrPermission, false, true}} {
		got := run(t, func(t testing.TB) { found(t, func() (int, string, error) { return 1, c.lacks, c.err }) })
		if (got.skipped != "") != c.skipped || (got.failed != "") != c.failed {
			t.Errorf("%q, %v: skipped %q, failed %q", c.lacks, c.err, got.skipped, got.failed)
		}
	}
}
