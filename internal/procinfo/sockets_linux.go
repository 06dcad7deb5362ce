package procinfo

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/porttrace/porttrace/internal/event"
)

// SocketHolders finds which processes hold the sockets with these inodes, by the links
// in /proc/PID/fd, proc_pid_fd(5). Of several holders the one with the lowest pid
// is named, mostly the parent. Other users' processes need CAP_SYS_PTRACE for the links
// and CAP_DAC_READ_SEARCH for the directory that they are in.
func SocketHolders[V any](sockets map[uint64]V) (map[uint64]event.ProcID, error) {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil, fmt.Errorf("find the holders of sockets: %w", err)
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, fmt.Errorf("find the holders of sockets: %w", err)
	}
	holders := map[uint64]event.ProcID{}
	for _, name := range names {
		pid, err := strconv.ParseUint(name, 10, 32)
		if err != nil {
			continue // not a process
		}
		for _, socket := range socketsOf(name) {
			_, wanted := sockets[socket]
			known, found := holders[socket]
			if !wanted || found && known.PID < uint32(pid) {
				continue
			}
			if start, err := StartTicks(uint32(pid)); err == nil {
				holders[socket] = event.ProcID{PID: uint32(pid), Start: start}
			}
		}
	}
	return holders, nil
}

// socketsOf lists the inodes of a process's sockets, none if it has ended or may not
// be looked at.
func socketsOf(pid string) []uint64 {
	fds := "/proc/" + pid + "/fd"
	names, err := os.ReadDir(fds)
	if err != nil {
		return nil
	}
	var sockets []uint64
	for _, fd := range names {
		link, err := os.Readlink(fds + "/" + fd.Name())
		if err != nil {
			continue
		}
		digits, isSocket := strings.CutPrefix(link, "socket:[")
		if inode, err := strconv.ParseUint(strings.TrimSuffix(digits, "]"), 10, 64); isSocket && err == nil {
			sockets = append(sockets, inode)
		}
	}
	return sockets
}
