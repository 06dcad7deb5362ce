package linux

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// hostMounts are some of a host with both versions of cgroups.
const hostMounts = `22 26 0:21 / /sys rw,relatime - sysfs sysfs rw
26 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard,resuid=65534
34 30 0:31 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
40 30 0:37 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
63 26 254:0 /run/netns /run/netns rw,relatime shared:1 - ext4 /dev/vda rw,discard,resuid=65534
`

// FuzzMounts has any text for /proc/PID/mountinfo and /proc/PID/cgroup: what is read of a line is what
// a kernel would write as the same line, and a memory limit is only looked for below a mount.
func FuzzMounts(f *testing.F) {
	f.Add(hostMounts, "13:memory:/user.slice\n0::/user.slice/session-3.scope\n")
	f.Add(`36 25 0:31 /docker/ab /mnt/a\040b\134c rw - cgroup cgroup rw,memory`, "4:cpu,memory:/docker/abc")
	f.Fuzz(func(t *testing.T, mounts, own string) {
		for m := range Mounts(mounts) {
			n := 0
			for again := range Mounts(asKernel(m)) {
				if n++; again != m {
					t.Errorf("%+v is written as %s and read as %+v", m, asKernel(m), again)
				}
			}
			if n != 1 {
				t.Errorf("%+v is written as %d mounts: %s", m, n, asKernel(m))
			}
		}
		for _, h := range memoryHierarchies(mounts, own) {
			if !strings.HasPrefix(h.path, "/") || filepath.Clean(h.path) != h.path {
				t.Errorf("the cgroup %q in %q", h.path, h.mount)
			}
		}
	})
}

// asKernel is show_mountinfo() of fs/proc_namespace.c.
func asKernel(m Mount) string {
	escape := strings.NewReplacer(" ", `\040`, "\t", `\011`, "\n", `\012`, `\`, `\134`, "#", `\043`).Replace
	return fmt.Sprintf("1 2 0:3 %s %s rw shared:4 - %s none %s\n", escape(m.Root), escape(m.Point), m.Type, m.Options)
}
