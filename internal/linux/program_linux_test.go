package linux

import (
	"fmt"
	"os"
	"slices"
	"testing"
)

func TestProgramRanges(t *testing.T) { checkRanges(t) }

func checkRanges(t *testing.T) {
	t.Helper()
	const mappings = `00400000-00abb000 r-xp 00000000 fe:00 123                              /usr/bin/porttrace
Size:               6892 kB
Rss:                5676 kB
Anonymous:             0 kB
00abb000-01286000 r--p 006bb000 fe:00 123                              /usr/bin/porttrace
Anonymous:             0 kB
01286000-01398000 rw-p 00e86000 fe:00 123                              /usr/bin/porttrace
Anonymous:             0 kB
01398000-01399000 r--p 00e98000 fe:00 123                              /usr/bin/porttrace
Anonymous:             4 kB
7f98a8c01000-7f98a8d05000 r--p 00000000 00:00 0
Anonymous:             0 kB
7f98a8d05000-7f98a8d06000 r--p 00000000 fe:00 124                      /usr/bin/other
Anonymous:             0 kB
`
	got := programRanges([]byte(mappings), "/usr/bin/porttrace")
	if want := []addressRange{{0x400000, 0xabb000}, {0xabb000, 0x1286000}}; !slices.Equal(got, want) {
		t.Errorf("got %x, want %x", got, want)
	}
}

// The program takes less memory than before, and goes on without its pages.
func TestReleaseProgram(t *testing.T) {
	for range 3 {
		before := mappedFiles(t)
		ReleaseProgram()
		if after := mappedFiles(t); after >= before {
			t.Errorf("%d pages of files, %d before", after, before)
		}
		checkRanges(t) // its code and its constants come back
	}
}

// mappedFiles returns how many pages of files are in memory, see proc_pid_statm(5).
func mappedFiles(t *testing.T) (pages int) {
	t.Helper()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	var size, resident int
	if _, err := fmt.Sscan(string(text), &size, &resident, &pages); err != nil {
		t.Fatal(err)
	}
	return pages
}
