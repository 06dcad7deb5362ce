package procinfo

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/linux"
)

// SocketHolders returns the processes that hold the sockets with these inodes, by the links
// in /proc/PID/fd, proc_pid_fd(5). Of several holders it is the one with the lowest pid,
// mostly the parent. Processes of other users need CAP_SYS_PTRACE for the links and
// CAP_DAC_READ_SEARCH for their directory.
func SocketHolders[V any](sockets map[uint64]V) (map[uint64]event.ProcID, error) {
	pids, err := linux.Processes()
	if err != nil {
		return nil, fmt.Errorf("finding the holders of sockets: %w", err)
	}
	holders := map[uint64]event.ProcID{}
	for _, pid := range pids {
		for _, socket := range socketsOf(pid) {
			_, wanted := sockets[socket]
			known, found := holders[socket]
			if !wanted || found && known.PID < pid {
				continue
			}
			if start, err := StartTicks(pid); err == nil {
				holders[socket] = event.ProcID{PID: pid, Start: start}
			}
		}
	}
	return holders, nil
}

// socketsOf returns the inodes of a process's sockets: none if it has ended or its links
// may not be read.
func socketsOf(pid uint32) []uint64 {
	fds := linux.ProcPath(pid, "fd")
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
