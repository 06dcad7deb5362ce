package kerneltest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// Some hosts of virtual machines give them a kernel that keeps BPF programs away from an agent, their
// PID 1: while one of its threads is the current task, no program runs, not even for the packets of
// others in a softirq that interrupts it, and no skipped run is counted. Under load that is one softirq
// in hundreds, with up to a hundred state changes. ftrace sees these: of 167 closes that were missing
// in a trace of 500, it had each, with a thread of the agent as the current task, and none else.

// agentSoftirqs counts the state changes at which a thread of PID 1 is the current task.
type agentSoftirqs struct {
	begin sync.Once
	root  *os.Root // tracefs, nil: it is not used, or cannot be
	name  string   // of the instance
}

// agent counts from the first use on, until TestMain ends.
var agent = agentSoftirqs{name: fmt.Sprintf("instances/porttrace-test-%d", os.Getpid())}

// start makes an instance that records the state changes. Of tracefs it needs no mount of the host.
func (a *agentSoftirqs) start() error {
	dir, err := os.MkdirTemp("", "tracefs")
	if err != nil {
		return err
	}
	defer os.Remove(dir)
	if err := unix.Mount("tracefs", dir, "tracefs", 0, ""); err != nil {
		return fmt.Errorf("mounting tracefs: %w", err)
	}
	a.root, err = os.OpenRoot(dir)
	if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
		return fmt.Errorf("unmounting tracefs: %w", err)
	}
	if err != nil {
		return err
	}
	if err := a.root.Mkdir(a.name, 0o700); err != nil {
		return err
	}
	threads, err := filepath.Glob("/proc/1/task/*")
	if err != nil {
		return err
	}
	for i := range threads {
		threads[i] = filepath.Base(threads[i])
	}
	for _, set := range [][2]string{
		{"buffer_size_kb", "64"},
		{"set_event_pid", strings.Join(threads, " ")},
		{"events/sock/inet_sock_set_state/enable", "1"},
	} {
		if err := a.root.WriteFile(filepath.Join(a.name, set[0]), []byte(set[1]), 0); err != nil {
			return err
		}
	}
	return nil
}

func (a *agentSoftirqs) stop() {
	if a.root != nil {
		_ = a.root.Remove(a.name)
		_ = a.root.Close()
		a.root = nil
	}
}

// count returns how many there were so far: those in the buffer, and those that it has dropped.
func (a *agentSoftirqs) count(t testing.TB) (n uint64) {
	t.Helper()
	a.begin.Do(func() {
		if err := a.start(); err != nil {
			fmt.Fprintln(os.Stderr, "state changes while PID 1 runs are not counted:", err)
			a.stop()
		}
	})
	if a.root == nil {
		return 0
	}
	for cpu := 0; ; cpu++ {
		stats, err := a.root.ReadFile(fmt.Sprintf("%s/per_cpu/cpu%d/stats", a.name, cpu))
		if os.IsNotExist(err) {
			return n
		}
		noError(t, err)
		var entries, overrun uint64
		_, err = fmt.Sscanf(string(stats), "entries: %d\noverrun: %d", &entries, &overrun)
		noError(t, err)
		n += entries + overrun
	}
}
