package procinfo

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
)

// stat is what is used of /proc/PID/stat.
type stat struct {
	comm  string // raw: any byte but NUL
	ppid  uint32
	start uint64 // clock ticks since boot
}

// Positions in proc_pid_stat(5), counted from the field after comm, which is field 3.
const (
	fieldPPID  = 4 - 3
	fieldStart = 22 - 3
)

var errStat = errors.New("not in the form of proc_pid_stat(5)")

// parseStat reads the line of /proc/PID/stat. The name in parentheses can itself
// hold parentheses, spaces and newlines, so it ends at the last one.
func parseStat(line []byte) (stat, error) {
	opened, closed := bytes.IndexByte(line, '('), bytes.LastIndexByte(line, ')')
	if opened < 0 || closed < opened {
		return stat{}, errStat
	}
	fields := bytes.Fields(line[closed+1:])
	if len(fields) <= fieldStart {
		return stat{}, errStat
	}
	ppid, err := strconv.ParseUint(string(fields[fieldPPID]), 10, 32)
	if err != nil {
		return stat{}, fmt.Errorf("parent: %w", err)
	}
	start, err := strconv.ParseUint(string(fields[fieldStart]), 10, 64)
	if err != nil {
		return stat{}, fmt.Errorf("start time: %w", err)
	}
	return stat{comm: string(line[opened+1 : closed]), ppid: uint32(ppid), start: start}, nil
}

// statusNumber finds "KEY:\tNUMBER ..." in /proc/PID/status, proc_pid_status(5),
// and returns the first number. The process name on the first line is escaped by
// the kernel, so it cannot forge a line.
func statusNumber(status []byte, key string) (uint32, error) {
	for line := range bytes.Lines(status) {
		value, found := bytes.CutPrefix(line, []byte(key+":"))
		if !found {
			continue
		}
		words := bytes.Fields(value)
		if len(words) == 0 {
			break
		}
		number, err := strconv.ParseUint(string(words[0]), 10, 32)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", key, err)
		}
		return uint32(number), nil
	}
	return 0, fmt.Errorf("%s: not in the form of proc_pid_status(5)", key)
}
