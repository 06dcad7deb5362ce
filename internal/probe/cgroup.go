package probe

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/linux"
)

// initialCgroupNamespace is the inode of that of the host: PROC_CGROUP_INIT_INO of
// include/linux/proc_ns.h.
const initialCgroupNamespace = 0xEFFFFFFB

// cgroupRoot returns where cgroup v2 is mounted, by proc_pid_mountinfo(5). On a hybrid
// host this is not /sys/fs/cgroup. In a cgroup namespace of its own, as containers have, what is
// called the root is not: programs there would see this container alone.
func cgroupRoot() (string, error) {
	var own unix.Stat_t
	if err := unix.Stat("/proc/self/ns/cgroup", &own); err == nil && own.Ino != initialCgroupNamespace {
		return "", errors.New("the root of cgroup v2 is not seen from this cgroup namespace")
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return "", fmt.Errorf("finding cgroup v2: %w", err)
	}
	for m := range linux.Mounts(string(mounts)) {
		if m.Type == "cgroup2" && m.Root == "/" {
			return m.Point, nil
		}
	}
	return "", errors.New("cgroup v2 is not mounted")
}
