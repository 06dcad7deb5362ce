package linux

import (
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestCPUTime(t *testing.T) {
	t.Parallel()
	const slept = 50 * time.Millisecond
	begin := Monotonic()
	cpu := CPUTime(func() { time.Sleep(slept) })
	if passed := time.Duration(Monotonic() - begin); passed < slept || cpu < 0 || cpu >= passed {
		t.Errorf("%v passed and took %v of a processor, want at least %v and less than that", passed, cpu, slept)
	}
}

func TestJiffy(t *testing.T) {
	t.Parallel()
	if tick := Jiffy(); tick < time.Millisecond || tick > 10*time.Millisecond {
		t.Errorf("a tick of %v: kernels have 100 to 1000 a second", tick)
	}
}

func TestGoThread(t *testing.T) {
	t.Parallel()
	done := make(chan int)
	GoThread(func() { done <- unix.Gettid() })
	if tid := <-done; tid == os.Getpid() {
		t.Error("on the main thread")
	}
}

func TestProcesses(t *testing.T) {
	t.Parallel()
	pids, err := Processes()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.IsSorted(pids) || !slices.Contains(pids, uint32(os.Getpid())) {
		t.Errorf("%d: not in order, or without this process, %d", pids, os.Getpid())
	}
}

func TestPIDNamespace(t *testing.T) {
	t.Parallel()
	inode, host, err := PIDNamespace()
	if err != nil {
		t.Fatal(err)
	}
	link, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		t.Fatal(err)
	}
	if want := "pid:[" + strconv.FormatUint(uint64(inode), 10) + "]"; link != want {
		t.Errorf("inode %d of %s", inode, link)
	}
	if host != (inode == 0xEFFFFFFC) {
		t.Errorf("namespace %d: host %v", inode, host)
	}
}
