package procinfo

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// TestFiles compares with what this process knows of itself: one more file is one more.
func TestFiles(t *testing.T) {
	pid := uint32(os.Getpid())
	before, err := Files(pid)
	if err != nil {
		t.Fatal(err)
	}
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if before.Limit != limit.Cur || before.Open < 3 {
		t.Errorf("%+v, and the limit is %d", before, limit.Cur)
	}
	var pipe [2]int
	if err := unix.Pipe(pipe[:]); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pipe[0])
	defer unix.Close(pipe[1])
	if after, err := Files(pid); err != nil || after.Open != before.Open+2 {
		t.Errorf("with a pipe: %+v, %v; before %d", after, err, before.Open)
	}
	counted, err := countFiles(pid, limit.Cur) // as before Linux 6.2; it has the directory open itself
	if err != nil || counted < before.Open+2 || counted > before.Open+4 {
		t.Errorf("counted one by one: %d, %v; %d are open", counted, err, before.Open+2)
	}
}

func TestFilesOfNoProcess(t *testing.T) {
	t.Parallel()
	if got, err := Files(1 << 30); err == nil {
		t.Errorf("of no process: %+v", got)
	}
}

func TestParseFileLimits(t *testing.T) {
	t.Parallel()
	const head = "Limit                     Soft Limit           Hard Limit           Units     \n"
	for text, want := range map[string][2]uint64{
		head + "Max open files            1024                 524288               files     \n": {1024, 524288},
		head + "Max open files            unlimited            unlimited            files     \n": {unix.RLIM_INFINITY, unix.RLIM_INFINITY},
	} {
		if soft, hard, err := parseFileLimits([]byte(text)); soft != want[0] || hard != want[1] || err != nil {
			t.Errorf("%q: %d, %d, %v", text, soft, hard, err)
		}
	}
	for _, bad := range []string{"", head, "Max open files\n", "Max open files x y files\n", "Max open files 1024\n", "Max open files 1024 y files\n"} {
		if soft, hard, err := parseFileLimits([]byte(bad)); err == nil {
			t.Errorf("%q: %d, %d", bad, soft, hard)
		}
	}
}

func BenchmarkFiles(b *testing.B) {
	pid := uint32(os.Getpid())
	for b.Loop() {
		if _, err := Files(pid); err != nil {
			b.Fatal(err)
		}
	}
}
