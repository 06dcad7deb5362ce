package lab

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// SpreadPackets has the packets of all interfaces processed on all processors, the first 32 of
// them (RPS, Documentation/networking/scaling.rst). At first they are on the one that received
// them.
func (n *Netns) SpreadPackets() error {
	return n.Do(func() error {
		// The attributes are those of the namespace in which sysfs was mounted. The thread ends
		// with the call, and its mounts with it.
		if err := unix.Unshare(unix.CLONE_FS | unix.CLONE_NEWNS); err != nil {
			return fmt.Errorf("leaving the mount namespace: %w", err)
		}
		if err := unix.Mount("none", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
			return fmt.Errorf("making mounts private: %w", err)
		}
		if err := unix.Mount("sysfs", "/sys", "sysfs", 0, ""); err != nil {
			return fmt.Errorf("mounting sysfs: %w", err)
		}
		queues, err := filepath.Glob("/sys/class/net/*/queues/rx-*/rps_cpus")
		if err != nil || len(queues) == 0 {
			return fmt.Errorf("no receive queue can be spread: %w", os.ErrNotExist)
		}
		mask := strconv.FormatUint(1<<min(runtime.NumCPU(), 32)-1, 16)
		for _, queue := range queues {
			if err := os.WriteFile(queue, []byte(mask), 0); err != nil {
				return fmt.Errorf("spreading packets: %w", err)
			}
		}
		return nil
	})
}
