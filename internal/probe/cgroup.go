package probe

import (
	"errors"
	"fmt"
	"os"

	"github.com/porttrace/porttrace/internal/linux"
)

// cgroupRoot returns where cgroup v2 is mounted, by proc_pid_mountinfo(5). On a hybrid
// host this is not /sys/fs/cgroup.
func cgroupRoot() (string, error) {
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
