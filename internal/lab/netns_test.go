package lab

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestNetnsIsPrivate(t *testing.T) {
	n := newNetns(t)
	var host unix.Stat_t
	if err := unix.Stat("/proc/self/ns/net", &host); err != nil {
		t.Fatal(err)
	}
	if n.Inode() == 0 || uint64(n.Inode()) == host.Ino {
		t.Errorf("inode = %d, that of the host is %d", n.Inode(), host.Ino)
	}
	if got := inode(t, n, "/proc/thread-self/ns/net"); got != n.Inode() {
		t.Errorf("Do runs in %d, want %d", got, n.Inode())
	}
	devices, err := n.ReadNet("dev")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(devices, "lo:") || strings.Contains(devices, "eth") {
		t.Errorf("devices inside:\n%s", devices)
	}
}

func TestNetnsSysctl(t *testing.T) {
	n := newNetns(t)
	const file = "/proc/sys/net/ipv4/ip_local_port_range"
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := n.PortRange(40000, 40063); err != nil {
		t.Fatal(err)
	}
	var inside []byte
	err = n.Do(func() (err error) {
		inside, err = os.ReadFile(file)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	after, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Fields(string(inside)); len(got) != 2 || got[0] != "40000" || got[1] != "40063" {
		t.Errorf("range inside = %q", inside)
	}
	if string(before) != string(after) {
		t.Errorf("range outside was %q, is %q", before, after)
	}
	if err := n.Sysctl("ipv4/no_such_thing", "1"); err == nil {
		t.Error("setting an unknown sysctl: no error")
	}
}

func TestStartRunsInside(t *testing.T) {
	n := newNetns(t)
	cmd := exec.Command("sleep", "60")
	if err := n.Start(cmd); err != nil {
		t.Fatal(err)
	}
	got := inode(t, n, filepath.Join("/proc", strconv.Itoa(cmd.Process.Pid), "ns/net"))
	if got != n.Inode() {
		t.Errorf("runs in %d, want %d", got, n.Inode())
	}
	// Closing ends the keeper, and the kernel kills what it started.
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		if err == nil {
			t.Error("it ended by itself")
		}
	case <-time.After(5 * time.Second):
		t.Error("still there 5 s after the close of its namespace")
		_ = cmd.Process.Kill()
	}
	if err := n.Start(exec.Command("true")); !errors.Is(err, errClosed) {
		t.Errorf("starting in a closed namespace: %v", err)
	}
}

// inode returns the inode of a file as seen by a thread inside.
func inode(t *testing.T, n *Netns, path string) uint32 {
	t.Helper()
	var st unix.Stat_t
	if err := n.Do(func() error { return unix.Stat(path, &st) }); err != nil {
		t.Fatal(err)
	}
	return uint32(st.Ino)
}
