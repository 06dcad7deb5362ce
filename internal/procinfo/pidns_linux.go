package procinfo

import (
	"fmt"
	"syscall"
)

// initialPIDNS is PROC_PID_INIT_INO of include/linux/proc_ns.h, the inode of the
// host's own pid namespace on every kernel.
const initialPIDNS = 0xEFFFFFFC

// PIDNamespace is the inode of the pid namespace that this program runs in, and
// whether that is the host's. In another one, pid_namespaces(7), the processes
// outside cannot be seen and pids differ from the host's.
func PIDNamespace() (inode uint32, host bool, err error) {
	var st syscall.Stat_t
	if err := syscall.Stat("/proc/self/ns/pid", &st); err != nil {
		return 0, false, fmt.Errorf("find the pid namespace: %w", err)
	}
	return uint32(st.Ino), st.Ino == initialPIDNS, nil
}
