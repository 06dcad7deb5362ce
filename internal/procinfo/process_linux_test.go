package procinfo

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/event"
)

// hostileName is a thread name that tries to end the stat line's field early.
const hostileName = "a) S 1 (\nb"

func TestReadSelf(t *testing.T) {
	t.Parallel()
	pid := uint32(os.Getpid())
	p, err := Read(pid)
	if err != nil {
		t.Fatal(err)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if p.ID.PID != pid || p.PPID != uint32(os.Getppid()) || p.UID != uint32(os.Getuid()) || p.Exe != exe {
		t.Errorf("Read of this process = %+v", p)
	}
	start, err := StartTicks(pid)
	if err != nil || start != p.ID.Start || start == 0 {
		t.Errorf("StartTicks = %d, %v, want %d", start, err, p.ID.Start)
	}
}

// TestStartTicksSinceBoot checks the unit against a clock.
func TestStartTicksSinceBoot(t *testing.T) {
	t.Parallel()
	child := startChild(t, "cat")
	start, err := StartTicks(child)
	if err != nil {
		t.Fatal(err)
	}
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &now); err != nil {
		t.Fatal(err)
	}
	age := time.Duration(now.Nano()) - time.Duration(start)*time.Second/event.TicksPerSecond
	if age < 0 || age > time.Minute {
		t.Errorf("a process just started is %v old", age)
	}
}

func TestHostileName(t *testing.T) {
	t.Parallel()
	child := startChild(t, "sh", "-c", `printf '%s' "$0" >/proc/$$/comm; echo; read x`, hostileName)
	p, err := Read(child)
	if err != nil {
		t.Fatal(err)
	}
	if p.Comm != hostileName || p.PPID != uint32(os.Getpid()) {
		t.Errorf("comm %q of parent %d, want %q of %d", p.Comm, p.PPID, hostileName, os.Getpid())
	}
}

func TestDeletedExecutable(t *testing.T) {
	t.Parallel()
	cat, err := exec.LookPath("cat")
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(cat)
	if err != nil {
		t.Fatal(err)
	}
	exe := filepath.Join(t.TempDir(), "gone")
	if err := os.WriteFile(exe, data, 0o755); err != nil {
		t.Fatal(err)
	}
	child := startChild(t, exe)
	if err := os.Remove(exe); err != nil {
		t.Fatal(err)
	}
	p, err := Read(child)
	if err != nil || p.Exe != exe {
		t.Errorf("executable %q, %v, want %q", p.Exe, err, exe)
	}
}

func TestNoProcess(t *testing.T) {
	t.Parallel()
	const pid = 1<<22 + 1 // beyond PID_MAX_LIMIT
	if _, err := Read(pid); !errors.Is(err, ErrNoProcess) {
		t.Errorf("Read: %v", err)
	}
	if _, err := StartTicks(pid); !errors.Is(err, ErrNoProcess) {
		t.Errorf("StartTicks: %v", err)
	}
	if _, _, err := ThreadGroup(pid); !errors.Is(err, ErrNoProcess) {
		t.Errorf("ThreadGroup: %v", err)
	}
}

func TestThreadGroup(t *testing.T) {
	t.Parallel()
	pid := uint32(os.Getpid())
	self, err := Read(pid)
	if err != nil {
		t.Fatal(err)
	}
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	if len(threads) < 2 {
		t.Fatal("this program has one thread")
	}
	for _, thread := range threads {
		tid, err := strconv.ParseUint(thread.Name(), 10, 32)
		if err != nil {
			t.Fatal(err)
		}
		tgid, comm, err := ThreadGroup(uint32(tid))
		if errors.Is(err, ErrNoProcess) {
			continue // the runtime has ended the thread
		}
		if err != nil || tgid != pid || comm != self.Comm {
			t.Errorf("ThreadGroup(%d) = %d, %q, %v, want %d, %q", tid, tgid, comm, err, pid, self.Comm)
		}
	}
}

func TestDescendants(t *testing.T) {
	t.Parallel()
	// A shell with a child that has a child.
	child := startChild(t, "sh", "-c", `sh -c 'cat <&3 & echo; wait' 3<&0; true`)
	found, err := Descendants(child)
	if err != nil {
		t.Fatal(err)
	}
	if len(found) != 2 {
		t.Fatalf("descendants %v, want a shell and a cat", found)
	}
	for _, id := range found {
		if start, err := StartTicks(id.PID); err != nil || start != id.Start {
			t.Errorf("descendant %+v started at %d, %v", id, start, err)
		}
	}
	all, err := Descendants(uint32(os.Getpid()))
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range found {
		if !slices.Contains(all, id) {
			t.Errorf("%+v is no descendant of this process", id)
		}
	}
}

// startChild starts a shell whose command prints a line and reads another, or a copy of cat, and
// ends it with the test. It waits for the first byte that the child prints: Start returns before the
// kernel has set the name and the arguments of the new program (begin_new_exec, fs/exec.c).
func startChild(t *testing.T, name string, args ...string) uint32 {
	t.Helper()
	cmd := exec.Command(name, args...)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		cmd.Wait()
	})
	if !strings.HasSuffix(name, "sh") {
		if _, err := io.WriteString(stdin, "\n"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := io.ReadFull(stdout, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	return uint32(cmd.Process.Pid)
}
