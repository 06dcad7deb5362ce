package procinfo

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/linux"
)

// errManyFiles is the error for a process of an older kernel that has too many files: counting
// them would cost too much.
var errManyFiles = errors.New("too many open files to count")

// Files returns how many files the process has open, and its limits: a few microseconds since
// Linux 6.2. Before, the files must be counted, which needs the permission to list them. The pid
// can be another process's by now: the caller must compare its start time after this call.
func Files(pid uint32) (event.FileUse, error) {
	soft, hard, err := fileLimits(pid)
	if err != nil {
		return event.FileUse{}, err
	}
	open, err := openFiles(pid, soft)
	return event.FileUse{Open: open, Limit: soft, Hard: hard}, err
}

// fileLimits returns the soft and the hard RLIMIT_NOFILE. prlimit(2) takes a microsecond; of a
// process of another user it needs CAP_SYS_RESOURCE, and proc_pid_limits(5) does not.
func fileLimits(pid uint32) (soft, hard uint64, err error) {
	var limit unix.Rlimit
	if err := unix.Prlimit(int(pid), unix.RLIMIT_NOFILE, nil, &limit); err == nil {
		return limit.Cur, limit.Max, nil
	}
	text, err := readFile(pid, "limits")
	if err != nil {
		return 0, 0, err
	}
	if soft, hard, err = parseFileLimits(text); err != nil {
		return 0, 0, fmt.Errorf("reading process %d: limits: %w", pid, err)
	}
	return soft, hard, nil
}

// openFiles returns how many files the process has open. Since Linux 6.2 that is the size of its
// directory fd (f1f1f2569901, "proc: report open files as size in stat() for /proc/<pid>/fd"),
// which every user may see. A size of 0 is of an older kernel, or of a process without files.
func openFiles(pid uint32, limit uint64) (uint64, error) {
	var st unix.Stat_t
	if err := unix.Stat(linux.ProcPath(pid, "fd"), &st); err != nil {
		return 0, fmt.Errorf("counting the files of process %d: %w", pid, err)
	}
	if st.Size > 0 {
		return uint64(st.Size), nil
	}
	return countFiles(pid, limit)
}

const (
	// cheapFiles is how many files are counted at any time: in some 10 ms.
	cheapFiles = 1 << 15
	// listedFiles is how many names are read in one step.
	listedFiles = 1 << 10
)

// countFiles counts the files one by one. The table of files has room for FDSize of them
// (proc_pid_status(5)), and grows to twice its size when it is full: a large table in which the limit
// cannot be reached is not counted.
func countFiles(pid uint32, limit uint64) (uint64, error) {
	status, err := readFile(pid, "status")
	if err != nil {
		return 0, err
	}
	room, err := statusNumber(status, "FDSize")
	if err != nil {
		return 0, fmt.Errorf("reading process %d: %w", pid, err)
	}
	if room > cheapFiles && uint64(room) < limit/2 {
		return 0, fmt.Errorf("process %d: %w", pid, errManyFiles)
	}
	dir, err := os.Open(linux.ProcPath(pid, "fd"))
	if err != nil {
		return 0, fmt.Errorf("counting the files of process %d: %w", pid, err)
	}
	defer dir.Close()
	for n := uint64(0); ; {
		names, err := dir.Readdirnames(listedFiles)
		n += uint64(len(names))
		switch {
		case errors.Is(err, io.EOF):
			return n, nil
		case err != nil:
			return 0, fmt.Errorf("counting the files of process %d: %w", pid, err)
		case n > uint64(room): // it opens them faster than they are counted
			return n, nil
		}
	}
}

// parseFileLimits returns the limits of the line "Max open files  1024  524288  files".
func parseFileLimits(text []byte) (soft, hard uint64, err error) {
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		values, found := bytes.CutPrefix(lines.Bytes(), []byte("Max open files"))
		if !found {
			continue
		}
		fields := bytes.Fields(values)
		if len(fields) < 2 {
			break
		}
		if soft, err = parseLimit(string(fields[0])); err != nil {
			return 0, 0, err
		}
		hard, err = parseLimit(string(fields[1]))
		return soft, hard, err
	}
	return 0, 0, errNoFileLimit
}

func parseLimit(text string) (uint64, error) {
	if text == "unlimited" {
		return unix.RLIM_INFINITY, nil
	}
	return strconv.ParseUint(text, 10, 64)
}

// errNoFileLimit is the error if the kernel has changed the form of the file.
var errNoFileLimit = errors.New("no line of open files")
