package probe

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// cgroupRoot returns where cgroup v2 is mounted, by proc_pid_mountinfo(5). On a hybrid
// host this is not /sys/fs/cgroup.
func cgroupRoot() (string, error) {
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return "", fmt.Errorf("finding cgroup v2: %w", err)
	}
	for line := range strings.Lines(string(mounts)) {
		before, after, _ := strings.Cut(line, " - ")
		fields := strings.Fields(before)
		if len(fields) > 4 && strings.HasPrefix(after, "cgroup2 ") && fields[3] == "/" {
			return fields[4], nil
		}
	}
	return "", errors.New("cgroup v2 is not mounted")
}
