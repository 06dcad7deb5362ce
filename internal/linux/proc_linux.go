package linux

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// ProcPath returns the path of a file of a process: ProcPath(42, "ns/net") is
// /proc/42/ns/net.
func ProcPath(pid uint32, name string) string {
	return filepath.Join("/proc", strconv.FormatUint(uint64(pid), 10), name)
}

// Processes returns the pids of all processes, in ascending order.
func Processes() ([]uint32, error) {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1) // the kernel lists processes by pid
	if err != nil {
		return nil, err
	}
	var pids []uint32
	for _, name := range names {
		if pid, err := strconv.ParseUint(name, 10, 32); err == nil {
			pids = append(pids, uint32(pid))
		}
	}
	return pids, nil
}

// initialPIDNS is PROC_PID_INIT_INO of include/linux/proc_ns.h, the inode of the host's
// own pid namespace on every kernel.
const initialPIDNS = 0xEFFFFFFC

// PIDNamespace returns the inode of the pid namespace of this program, and whether it is
// the host's. In another one, pid_namespaces(7), the processes outside cannot be seen, and
// pids differ from the host's.
func PIDNamespace() (inode uint32, host bool, err error) {
	var st unix.Stat_t
	if err := unix.Stat("/proc/self/ns/pid", &st); err != nil {
		return 0, false, fmt.Errorf("finding the pid namespace: %w", err)
	}
	return uint32(st.Ino), st.Ino == initialPIDNS, nil
}

// Uname returns the name of the host and the release of its kernel, as in "6.12.117-amd64".
func Uname() (node, release string) {
	var u unix.Utsname
	_ = unix.Uname(&u) // fails only for a bad address
	return unix.ByteSliceToString(u.Nodename[:]), unix.ByteSliceToString(u.Release[:])
}
