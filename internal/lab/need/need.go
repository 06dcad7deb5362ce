// Package need skips a test for what the machine lacks, and says what that is. On a machine that
// should lack nothing, such as that of CI, PORTTRACE_COMPLETE is set: then a test that lacks root or
// a program fails. What only some kernels have is skipped there too, but not if a part of it is
// there: that should work.
package need

import (
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// completeEnv says that root and all programs must be here.
const completeEnv = "PORTTRACE_COMPLETE"

// lacking skips the test, or fails it where nothing may be lacking.
func lacking(t testing.TB, why string) {
	t.Helper()
	if os.Getenv(completeEnv) != "" {
		t.Fatal(completeEnv + " is set, but " + why)
	}
	t.Skip(why)
}

// Root needs root, for what is named.
func Root(t testing.TB, what string) {
	t.Helper()
	if os.Geteuid() != 0 {
		lacking(t, what+" takes root")
	}
}

// Program needs a program, and returns its path.
func Program(t testing.TB, name string) string {
	t.Helper()
	path, ok := Find(name)
	if !ok {
		lacking(t, name+" is not installed")
	}
	return path
}

// Programs needs all of them.
func Programs(t testing.TB, names ...string) {
	t.Helper()
	for _, name := range names {
		Program(t, name)
	}
}

// Find returns the path of a program, also of one for root: /usr/sbin is not in the PATH of users.
func Find(name string) (path string, ok bool) {
	if path, err := exec.LookPath(name); err == nil {
		return path, true
	}
	path = filepath.Join("/usr/sbin", name)
	_, err := os.Stat(path)
	return path, err == nil
}

// BTF needs a kernel that describes its types (CONFIG_DEBUG_INFO_BTF), without which nothing can
// be traced.
func BTF(t testing.TB) {
	t.Helper()
	if _, err := os.Stat("/sys/kernel/btf/vmlinux"); err != nil {
		lacking(t, "this kernel has no BTF: "+err.Error())
	}
}

// Tracking needs the connection tracking of the kernel, and returns nf_conntrack_max.
func Tracking(t testing.TB) (most int) {
	t.Helper()
	return found(t, FindTracking)
}

// TrackingMax is the setting of how many connections are tracked, of the whole host.
const TrackingMax = "/proc/sys/net/netfilter/nf_conntrack_max"

// FindTracking returns nf_conntrack_max, or that the kernel has no connection tracking. If the
// module is there and its setting is not, that is an error.
func FindTracking() (most int, lacks string, err error) {
	text, err := os.ReadFile(TrackingMax)
	if err == nil {
		most, err = strconv.Atoi(strings.TrimSpace(string(text)))
		return most, "", err
	}
	if _, missing := os.Stat("/sys/module/nf_conntrack"); missing == nil {
		return 0, "", err
	}
	return 0, "this kernel has no connection tracking, or its module is not loaded: " + err.Error(), nil
}

// mostTracked is how many entries a test makes: some 300 bytes of the kernel's memory each.
const mostTracked = 300_000

// FindFillable returns nf_conntrack_max, or why a test cannot fill the table of that size, which it
// leaves as it is: it is the host's.
func FindFillable() (size int, lacks string, err error) {
	size, lacks, err = FindTracking()
	if err == nil && lacks == "" && (size == 0 || size > mostTracked) {
		lacks = fmt.Sprintf("nf_conntrack_max of this host is %d: a test fills a table of %d entries at most", size, mostTracked)
	}
	return size, lacks, err
}

// FillableTracking needs a table of connection tracking that a test can fill, and returns its size.
func FillableTracking(t testing.TB) int {
	t.Helper()
	return found(t, FindFillable)
}

// found skips the test for what is lacking.
func found(t testing.TB, find func() (int, string, error)) int {
	t.Helper()
	value, lacks, err := find()
	if err != nil {
		t.Fatal(err)
	}
	if lacks != "" {
		t.Skip(lacks)
	}
	return value
}

// NoOption skips the test as the kernel was found to lack an option of its configuration. If its
// configuration can be read and has the option, the test fails: what needs it should have worked.
func NoOption(t testing.TB, option, seen string) {
	t.Helper()
	config, err := readConfig()
	switch why := "this kernel lacks " + option + ": " + seen; {
	case err != nil:
		t.Skip(why + " (its configuration cannot be read: " + err.Error() + ")")
	case hasOption(config, option):
		t.Fatal("this kernel has " + option + ", but " + seen)
	default:
		t.Skip(why)
	}
}

// readConfig returns the configuration of the running kernel, as it has it itself or as
// distributions install it.
func readConfig() (string, error) {
	if file, err := os.Open("/proc/config.gz"); err == nil {
		defer file.Close()
		text, err := gzip.NewReader(file)
		if err != nil {
			return "", err
		}
		config, err := io.ReadAll(text)
		return string(config), err
	}
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return "", err
	}
	config, err := os.ReadFile("/boot/config-" + strings.TrimSpace(string(release)))
	return string(config), err
}

// hasOption reports whether the option is built in or a module.
func hasOption(config, option string) bool {
	for line := range strings.Lines(config) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && name == option {
			return value == "y" || value == "m"
		}
	}
	return false
}

// capSysResource is the number of CAP_SYS_RESOURCE in include/uapi/linux/capability.h.
const capSysResource = 24

// HardLimits needs the capability to raise a hard limit (setrlimit(2)).
func HardLimits(t testing.TB) {
	t.Helper()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "CapEff:")
	mask, err := strconv.ParseUint(strings.TrimSpace(strings.SplitN(after, "\n", 2)[0]), 16, 64)
	if err != nil {
		t.Fatal(err)
	}
	if mask&(1<<capSysResource) == 0 {
		t.Skip("raising a hard limit takes CAP_SYS_RESOURCE, which this process lacks")
	}
}

// Works needs a command to succeed, as one that only asks the kernel for a feature does. If the
// module of the feature is there, its failure is one of the test.
func Works(t testing.TB, module string, command ...string) {
	t.Helper()
	out, err := exec.Command(Program(t, command[0]), command[1:]...).CombinedOutput()
	if err == nil {
		return
	}
	why := strings.Join(command, " ") + ": " + err.Error() + ": " + strings.TrimSpace(string(out))
	if _, missing := os.Stat("/sys/module/" + module); missing == nil {
		t.Fatal(why)
	}
	t.Skip("this kernel has no " + module + ": " + why)
}
