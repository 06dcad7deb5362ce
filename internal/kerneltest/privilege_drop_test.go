package kerneltest

import (
	"io"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/docs"
	"github.com/porttrace/porttrace/internal/kerneltest/figures"
)

// TestDroppedPrivileges: a watcher that drops what it does not need sees all that root sees, also as
// another user.
func TestDroppedPrivileges(t *testing.T) {
	l := newPrivilegeLoad(t)
	unlockMemory(t)
	table, err := figures.Find(docs.Accuracy, figures.Privileges)
	noError(t, err)
	dropped := map[string]watcher{
		"root":         {Netns: l.nets(), Drop: true},
		"another user": {Netns: l.nets(), Drop: true, User: "65534"},
	}
	watchers := map[string]*watcherProc{}
	for name, args := range dropped {
		w, err := startWatcher(t, as(all), args)
		if err != nil || w.attached.Error != "" {
			t.Fatalf("%s: %v %s", name, err, w.attached.Error)
		}
		watchers[name] = w
	}
	l.run(func() bool {
		for _, w := range watchers {
			if !l.isComplete(w, table, "root") {
				return false
			}
		}
		return true
	})
	for name, w := range watchers {
		has := l.has(w.end())
		for what, yes := range has {
			if want := table.Cell(what, "root"); (want == "yes") != yes {
				t.Errorf("%s: %s: %t, root has %q", name, what, yes, want)
			}
		}
		if len(has) < 6 {
			t.Errorf("%s: only %v was compared", name, has)
		}
	}
}

// TestFileCapabilities: a program that has its capabilities by setcap(8), and so may not read its own
// memory by /proc, attaches by the same hooks as one that inherits them.
func TestFileCapabilities(t *testing.T) {
	needKernel(t)
	unlockMemory(t)
	for _, user := range [][]uintptr{
		{unix.CAP_BPF, unix.CAP_PERFMON},
		{unix.CAP_BPF, unix.CAP_PERFMON, unix.CAP_SYS_ADMIN}, // for kprobes where kernel.perf_event_paranoid is over 2
	} {
		inherits, err := startWatcher(t, as(user), watcher{})
		noError(t, err)
		file := copyOfTest(t)
		noError(t, unix.Setxattr(file, "security.capability", fileCapabilities(user), 0))
		has, err := startWatcherOf(t, file, as(nil), watcher{})
		noError(t, err)
		t.Log(has.attached.Signals)
		if has.attached.Error != "" || !reflect.DeepEqual(has.attached.Signals, inherits.attached.Signals) {
			t.Errorf("%s %+v, want %+v", has.attached.Error, has.attached.Signals, inherits.attached.Signals)
		}
		inherits.end()
		has.end()
	}
}

// copyOfTest returns a copy of this binary that every user may run.
func copyOfTest(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for parent := dir; parent != os.TempDir() && parent != "/"; parent = filepath.Dir(parent) {
		noError(t, os.Chmod(parent, 0o755))
	}
	from, err := os.Open("/proc/self/exe")
	noError(t, err)
	defer from.Close()
	name := filepath.Join(dir, "watcher")
	to, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY, 0o755)
	noError(t, err)
	_, err = io.Copy(to, from)
	noError(t, err)
	noError(t, to.Close())
	return name
}

// fileCapabilities is struct vfs_cap_data of include/uapi/linux/capability.h: permitted and effective.
func fileCapabilities(capabilities []uintptr) []byte {
	const version2, effective = 2 << 24, 1
	var bits uint64
	for _, c := range capabilities {
		bits |= 1 << c
	}
	var data []byte
	for _, word := range []uint32{version2 | effective, uint32(bits), 0, uint32(bits >> 32), 0} {
		data = append(data, byte(word), byte(word>>8), byte(word>>16), byte(word>>24))
	}
	return data
}
