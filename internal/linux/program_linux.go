package linux

import (
	"bytes"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// ReleaseProgram unmaps the pages of code and constants of this program, which count as its memory:
// after the start most are not needed any more, and the others come back from the page cache. Pages
// that were written to stay.
func ReleaseProgram() {
	file, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return
	}
	mappings, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		return
	}
	for _, r := range programRanges(mappings, file) {
		_, _, _ = unix.Syscall(unix.SYS_MADVISE, r.begin, r.end-r.begin, unix.MADV_DONTNEED) // it is advice
	}
}

type addressRange struct{ begin, end uintptr }

// programRanges returns where a file is mapped without a page that differs from it, by
// proc_pid_smaps(5). A mapping that may be written to can get one at any time.
func programRanges(mappings []byte, file string) (list []addressRange) {
	var last *addressRange // the mapping that the lines are about, if it is one of the file
	for line := range bytes.Lines(mappings) {
		var r addressRange
		var mode string
		if n, _ := fmt.Sscanf(string(line), "%x-%x %s", &r.begin, &r.end, &mode); n == 3 {
			last = nil
			if mode[1] != 'w' && bytes.HasSuffix(line, []byte(" "+file+"\n")) {
				last = &r
			}
			continue
		}
		if kind, amount, _ := bytes.Cut(line, []byte(":")); last != nil && string(kind) == "Anonymous" {
			if string(bytes.TrimSpace(amount)) == "0 kB" {
				list = append(list, *last)
			}
			last = nil
		}
	}
	return list
}
