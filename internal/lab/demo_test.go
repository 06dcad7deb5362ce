package lab

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestDemo(t *testing.T) {
	d := startDemo(t, t.Context())
	// shop-api, with the help of the others, takes all 256 ports.
	if !waitFor(15*time.Second, func() bool { return taken(t, d) == 256 }) {
		t.Fatalf("after 15 s %d of 256 ports are taken", taken(t, d))
	}
	for i, name := range []string{"backend", "shop-api", "report-job", "sync-agent"} {
		if got := comm(t, d.PIDs()[i]); got != name {
			t.Errorf("process %d is called %q, want %q", i, got, name)
		}
	}
	var r Result // at the first failure
	if err := d.procs[1].Decode(&r); err != nil || r.ConnectErrors["EADDRNOTAVAIL"] == 0 {
		t.Errorf("shop-api did not run out of ports: %+v, %v", r, err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	wantGone(t, d)
}

// The other programs go on when one dies, and the demo reports which one did.
func TestDemoReportsDeath(t *testing.T) {
	d := startDemo(t, t.Context())
	victim := d.PIDs()[1]
	if err := syscall.Kill(victim, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	select {
	case exit := <-d.Exits():
		if exit.PID != victim || exit.Name != "shop-api" || exit.Err == nil {
			t.Errorf("%+v", exit)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("no death was reported in 5 s")
	}
	for _, pid := range d.PIDs() {
		if pid != victim && syscall.Kill(pid, 0) != nil {
			t.Errorf("pid %d went with it", pid)
		}
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	wantGone(t, d)
}

func TestDemoEndsWithContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	d := startDemo(t, ctx)
	cancel()
	for exit := range d.Exits() {
		t.Errorf("ended by itself: %+v", exit)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	wantGone(t, d)
}

// demoParentEnv makes this test binary a process that starts a demo and hangs.
const demoParentEnv = "LAB_TEST_DEMO_PARENT"

func demoParent() {
	d, err := StartDemo(context.Background(), DemoOptions{For: time.Minute})
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(d.PIDs())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	time.Sleep(time.Minute)
}

func TestDemoDiesWithParent(t *testing.T) {
	needRoot(t)
	parent := exec.Command("/proc/self/exe")
	parent.Env = append(os.Environ(), demoParentEnv+"=1")
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	var pids []int
	if err := json.NewDecoder(out).Decode(&pids); err != nil {
		t.Fatal(err)
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait() // it was killed
	if len(pids) != 4 {
		t.Errorf("pids = %v", pids)
	}
	for _, pid := range pids {
		wantEnded(t, pid)
	}
}

// wantEnded fails unless a process that is no child of ours ends soon. It may stay as a
// zombie if no process waits for orphans, as in a small VM.
func wantEnded(t *testing.T, pid int) {
	t.Helper()
	var stat []byte
	ended := func() (gone bool) {
		var err error
		stat, err = os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
		return err != nil || strings.Contains(string(stat), ") Z ")
	}
	if !waitFor(5*time.Second, ended) {
		t.Errorf("pid %d outlived its parent: %s", pid, stat)
	}
}

// waitFor waits until a condition holds, and returns false if it does not within the limit.
func waitFor(limit time.Duration, holds func() bool) bool {
	for deadline := time.Now().Add(limit); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			return false
		}
	}
	return true
}

func startDemo(t *testing.T, ctx context.Context) *Demo {
	t.Helper()
	needRoot(t)
	d, err := StartDemo(ctx, DemoOptions{For: 2 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

// taken counts the local ports of shop-api's port space that are not free.
func taken(t *testing.T, d *Demo) int {
	t.Helper()
	sockets, err := d.netns.TCPSockets()
	if err != nil {
		t.Fatal(err)
	}
	ports := map[uint16]bool{}
	for _, s := range sockets {
		if s.Local.Addr() == demoClient && s.Remote != demoCache {
			ports[s.Local.Port()] = true
		}
	}
	return len(ports)
}

// wantGone fails unless the demo's processes and namespace are gone. A namespace is gone if no
// thread and no file of ours refers to it.
func wantGone(t *testing.T, d *Demo) {
	t.Helper()
	for _, pid := range d.PIDs() {
		if syscall.Kill(pid, 0) == nil {
			t.Errorf("pid %d is still there", pid)
		}
	}
	unused := func() bool { return len(netnsUsers(t, d.Netns())) == 0 } // threads end in their own time
	if !waitFor(2*time.Second, unused) {
		t.Fatalf("namespace %d is still used by %v", d.Netns(), netnsUsers(t, d.Netns()))
	}
}

func netnsUsers(t *testing.T, inode uint32) []string {
	t.Helper()
	var users []string
	for _, pattern := range []string{"/proc/[0-9]*/task/*/ns/net", "/proc/self/fd/*"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			var st unix.Stat_t
			if unix.Stat(file, &st) == nil && uint32(st.Ino) == inode {
				users = append(users, file)
			}
		}
	}
	return users
}

func comm(t *testing.T, pid int) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "comm"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}
