// Command guest is the first and only program of the virtual machines in which the
// kernel tests run: it mounts what they need, loads modules, runs one command after
// the other and switches the machine off.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// plan is what the host wants, in /plan.json.
type plan struct {
	Modules []string   // files, in the order in which they are loaded
	Runs    [][]string // environment entries, then --, then a command
}

func main() {
	if err := run(); err != nil {
		fmt.Println("vm: cannot begin:", err)
	}
	os.Stdout.Sync()
	time.Sleep(100 * time.Millisecond) // the console is slower than the power switch
	_ = unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
}

func run() error {
	if err := mountAll(); err != nil {
		return err
	}
	var p plan
	text, err := os.ReadFile("/plan.json")
	if err == nil {
		err = json.Unmarshal(text, &p)
	}
	if err != nil {
		return err
	}
	for _, module := range p.Modules {
		if err := load(module); err != nil {
			return fmt.Errorf("loading %s: %w", module, err)
		}
	}
	if err := loopbackUp(); err != nil {
		return err
	}
	for i, words := range p.Runs {
		fmt.Printf("vm: begin %d\n", i)
		status := runOne(words)
		fmt.Printf("\nvm: end %d %d\n", i, status)
	}
	return nil
}

func mountAll() error {
	for _, m := range []struct{ fs, at string }{
		{"proc", "/proc"},
		{"sysfs", "/sys"},
		{"devtmpfs", "/dev"},
		{"tracefs", "/sys/kernel/tracing"},
		{"debugfs", "/sys/kernel/debug"},
		{"bpf", "/sys/fs/bpf"},
		{"cgroup2", "/sys/fs/cgroup"},
		{"tmpfs", "/tmp"},
		{"tmpfs", "/run"},
	} {
		if err := os.MkdirAll(m.at, 0o755); err != nil {
			return err
		}
		if err := unix.Mount(m.fs, m.at, m.fs, 0, ""); err != nil && !errors.Is(err, unix.EBUSY) {
			return fmt.Errorf("mounting %s: %w", m.at, err)
		}
	}
	// The kernel's own lines would stand among those of the tests.
	return os.WriteFile("/proc/sys/kernel/printk", []byte("1"), 0)
}

func load(file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	return unix.FinitModule(int(f.Fd()), "", 0)
}

func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	ifr, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	ifr.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, ifr)
}

// runOne returns the status of a command, 125 if it could not be started. Orphans come
// to the first program: it waits for them, too.
func runOne(words []string) int {
	env := []string{"PATH=/bin", "HOME=/", "TMPDIR=/tmp"}
	for len(words) > 0 && words[0] != "--" {
		env, words = append(env, words[0]), words[1:]
	}
	process, err := os.StartProcess(words[1], words[1:], &os.ProcAttr{
		Env: env, Dir: "/tmp", Files: []*os.File{nil, os.Stdout, os.Stdout},
	})
	if err != nil {
		fmt.Println("vm:", err)
		return 125
	}
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case pid == process.Pid && status.Signaled():
			return 128 + int(status.Signal())
		case pid == process.Pid:
			return status.ExitStatus()
		case err != nil && !errors.Is(err, syscall.EINTR):
			return 125
		}
	}
}
