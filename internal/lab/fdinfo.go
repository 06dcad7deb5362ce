package lab

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// FDInfo returns the values of a field of proc_pid_fdinfo(5), of all files of a process that have it. A
// file that is closed meanwhile is left out. It fails if there is no such process, or a value is no number.
func FDInfo(pid int, field string) (values []uint64, err error) {
	dir := fmt.Sprintf("/proc/%d/fdinfo", pid)
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		text, err := os.ReadFile(dir + "/" + file.Name())
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(text)) {
			value, is := strings.CutPrefix(line, field+":")
			if !is {
				continue
			}
			n, err := strconv.ParseUint(strings.TrimSpace(value), 10, 64)
			if err != nil {
				return nil, fmt.Errorf("%s of %s/%s: %w", field, dir, file.Name(), err)
			}
			values = append(values, n)
		}
	}
	return values, nil
}
