package performance

import (
	"bytes"
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// Host describes this machine in a few words: kernel, processors, memory.
func Host() (string, error) {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return "", fmt.Errorf("uname: %w", err)
	}
	var info unix.Sysinfo_t
	if err := unix.Sysinfo(&info); err != nil {
		return "", fmt.Errorf("sysinfo: %w", err)
	}
	gibs := (info.Totalram*uint64(info.Unit) + 1<<29) >> 30
	return fmt.Sprintf("Linux %s %s, %d processors (%s), %d GiB",
		unix.ByteSliceToString(name.Release[:]), runtime.GOARCH, runtime.NumCPU(), processor(), gibs), nil
}

// processor returns the name of the first processor. Not every architecture has one.
func processor() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown"
	}
	for line := range bytes.Lines(text) {
		if name, value, ok := bytes.Cut(line, []byte(":")); ok && string(bytes.TrimSpace(name)) == "model name" {
			return string(bytes.TrimSpace(value))
		}
	}
	return "unknown"
}
