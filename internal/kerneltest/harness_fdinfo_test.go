package kerneltest

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// fdinfo returns the values of a field of /proc/self/fdinfo, of all files of this process that have it.
func fdinfo(t testing.TB, field string) (values []uint64) {
	t.Helper()
	files, err := filepath.Glob("/proc/self/fdinfo/*")
	noError(t, err)
	for _, name := range files {
		text, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue // closed since
		}
		noError(t, err)
		for line := range strings.Lines(string(text)) {
			if value, is := strings.CutPrefix(line, field+":"); is {
				n, err := strconv.ParseUint(strings.TrimSpace(value), 10, 64)
				noError(t, err)
				values = append(values, n)
			}
		}
	}
	return values
}
