package procinfo

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/linux"
)

// ErrNoProcess is the error for a process that does not exist, or no longer does.
var ErrNoProcess = errors.New("no such process")

// Read returns a description of the process. What this user may not see, and what the process
// does not have (a kernel thread has no executable), is empty.
func Read(pid uint32) (event.Process, error) {
	st, err := readStat(pid)
	if err != nil {
		return event.Process{}, err
	}
	uid, err := realUID(pid)
	if err != nil {
		return event.Process{}, err
	}
	p := event.Process{
		ID: event.ProcID{PID: pid, Start: st.start}, PPID: st.ppid, UID: uid, Comm: st.comm,
		Exe: executable(pid), Cgroup: cgroup(pid),
	}
	p.Container, p.Unit = Identify(p.Cgroup)
	return p, nil
}

// StartTicks returns when the process started, in clock ticks since boot.
func StartTicks(pid uint32) (uint64, error) {
	st, err := readStat(pid)
	return st.start, err
}

// ThreadGroup returns the process that a thread belongs to, and the name of that process.
// The id of a process is that of its first thread.
func ThreadGroup(tid uint32) (tgid uint32, comm string, err error) {
	status, err := readFile(tid, "status")
	if err != nil {
		return 0, "", err
	}
	tgid, err = statusNumber(status, "Tgid")
	if err != nil {
		return 0, "", fmt.Errorf("reading process %d: %w", tid, err)
	}
	leader, err := readStat(tgid)
	return tgid, leader.comm, err
}

// realUID returns the user as the kernel side reports it, in this user namespace.
func realUID(pid uint32) (uint32, error) {
	status, err := readFile(pid, "status")
	if err != nil {
		return 0, err
	}
	uid, err := statusNumber(status, "Uid")
	if err != nil {
		return 0, fmt.Errorf("reading process %d: %w", pid, err)
	}
	return uid, nil
}

func readStat(pid uint32) (stat, error) {
	line, err := readFile(pid, "stat")
	if err != nil {
		return stat{}, err
	}
	st, err := parseStat(line)
	if err != nil {
		return stat{}, fmt.Errorf("reading process %d: stat: %w", pid, err)
	}
	return st, nil
}

func executable(pid uint32) string {
	target, err := os.Readlink(linux.ProcPath(pid, "exe"))
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(target, deleted)
}

// OwnVersionOne reports whether this host keeps processes in hierarchies of cgroup version 1.
func OwnVersionOne() bool {
	file, err := readFile(uint32(os.Getpid()), "cgroup")
	return err == nil && hasVersionOne(string(file))
}

// Cgroup returns the cgroup that names the process best, empty if it has ended.
func Cgroup(id event.ProcID) string {
	path := cgroup(id.PID)
	if start, err := StartTicks(id.PID); err != nil || start != id.Start {
		return "" // read before: whatever came then was of another process
	}
	return path
}

func cgroup(pid uint32) string {
	file, err := readFile(pid, "cgroup")
	if err != nil {
		return ""
	}
	return cgroupPath(string(file))
}

// readFile reads a file of the process. The kernel answers ENOENT when the
// process is gone at the open, and ESRCH when it is gone at the read.
func readFile(pid uint32, name string) ([]byte, error) {
	data, err := os.ReadFile(linux.ProcPath(pid, name))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
		return nil, fmt.Errorf("process %d: %w", pid, ErrNoProcess)
	}
	if err != nil {
		return nil, fmt.Errorf("reading process %d: %w", pid, err)
	}
	return data, nil
}
