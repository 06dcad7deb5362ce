// Package hostagent counts the state changes of sockets that no BPF program sees on some hosts.
//
// A host of virtual machines may give them a kernel that keeps BPF programs away from its agent, their
// PID 1: while one of its threads is the current task, no program runs, not even for the packets of
// others in a softirq that interrupts it, and no skipped run is counted. Under load that is one softirq
// in hundreds, with up to a hundred state changes. ftrace sees these: of 167 closes that were missing
// in a trace of 500, it had each, with a thread of the agent as the current task, and none else.
package hostagent

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// Changes counts the state changes at which a thread of PID 1 is the current task, by an instance of
// ftrace.
type Changes struct {
	root *os.Root // tracefs
	name string   // of the instance
}

var instances atomic.Int32

// Count starts to count. It takes root, and no mount of tracefs on the host. Threads that PID 1 starts
// later are not counted.
func Count() (*Changes, error) {
	root, err := openTracefs()
	if err != nil {
		return nil, err
	}
	c := &Changes{root, fmt.Sprintf("instances/porttrace-test-%d-%d", os.Getpid(), instances.Add(1))}
	if err := c.start(); err != nil {
		c.Close()
		return nil, fmt.Errorf("an instance of ftrace: %w", err)
	}
	return c, nil
}

func openTracefs() (*os.Root, error) {
	dir, err := os.MkdirTemp("", "tracefs")
	if err != nil {
		return nil, err
	}
	defer os.Remove(dir)
	if err := unix.Mount("tracefs", dir, "tracefs", 0, ""); err != nil {
		return nil, fmt.Errorf("mounting tracefs: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
		return nil, fmt.Errorf("unmounting tracefs: %w", err)
	}
	return root, err
}

func (c *Changes) start() error {
	if err := c.root.Mkdir(c.name, 0o700); err != nil {
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
		if err := c.root.WriteFile(filepath.Join(c.name, set[0]), []byte(set[1]), 0); err != nil {
			return err
		}
	}
	return nil
}

// Close ends the counting.
func (c *Changes) Close() {
	_ = c.root.Remove(c.name)
	_ = c.root.Close()
}

// Count returns how many there were so far: those in the buffer, and those that it has dropped.
func (c *Changes) Count() (n uint64, err error) {
	for cpu := 0; ; cpu++ {
		stats, err := c.root.ReadFile(fmt.Sprintf("%s/per_cpu/cpu%d/stats", c.name, cpu))
		if os.IsNotExist(err) {
			return n, nil
		}
		if err != nil {
			return 0, err
		}
		var entries, overrun uint64
		if _, err := fmt.Sscanf(string(stats), "entries: %d\noverrun: %d", &entries, &overrun); err != nil {
			return 0, fmt.Errorf("statistics of ftrace: %w", err)
		}
		n += entries + overrun
	}
}
