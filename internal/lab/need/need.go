// Package need skips a test for what the machine lacks, and says what that is. On a machine that
// should lack nothing, such as that of CI, PORTTRACE_COMPLETE is set: then a test that lacks root or
// a program fails. What only some kernels have is skipped there too, but not if a part of it is
// there: that should work.
package need

import (
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
	most, lacks, err := FindTracking()
	if err != nil {
		t.Fatal(err)
	}
	if lacks != "" {
		t.Skip(lacks)
	}
	return most
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
