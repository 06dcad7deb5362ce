package kerneltest

import (
	"errors"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// A user that lacks privileges gets one line that names what is missing.
func TestLackOfPrivileges(t *testing.T) {
	needKernel(t)
	for name, c := range map[string]struct {
		capabilities []uintptr
		want         string
	}{
		"none":        {nil, "porttrace needs root, or the capabilities CAP_BPF and CAP_PERFMON: run it with sudo"},
		"CAP_BPF":     {[]uintptr{unix.CAP_BPF}, "CAP_PERFMON is missing"},
		"CAP_PERFMON": {[]uintptr{unix.CAP_PERFMON}, "CAP_BPF is missing"},
		"others":      {[]uintptr{unix.CAP_NET_ADMIN, unix.CAP_SYS_PTRACE}, "CAP_BPF and CAP_PERFMON"},
	} {
		t.Run(name, func(t *testing.T) {
			w, err := startWatcher(t, as(c.capabilities), watcher{})
			checkRefusal(t, w, err, c.want)
		})
	}
}

func checkRefusal(t *testing.T, w *watcherProc, err error, want ...string) {
	t.Helper()
	noError(t, err)
	got := w.attached.Error
	t.Log(got)
	for _, text := range want {
		if !strings.Contains(got, text) {
			t.Errorf("got %q, want %q in it", got, text)
		}
	}
	if !strings.HasPrefix(got, "cannot trace here: ") || strings.Contains(got, "\n") {
		t.Errorf("it is not one line: %q", got)
	}
}

// Before 5.11 maps are locked memory, of which a user gets little.
func TestLockedMemory(t *testing.T) {
	needKernel(t)
	w, err := startWatcher(t, as([]uintptr{unix.CAP_BPF, unix.CAP_PERFMON}), watcher{Memlock: 1 << 16})
	if kernelAtLeast(t, 5, 11) {
		if err != nil || w.attached.Error != "" {
			t.Errorf("%v %s", err, w.attached.Error)
		}
		return
	}
	checkRefusal(t, w, err, "CAP_SYS_RESOURCE", "LimitMEMLOCK=infinity")
}

// If the kernel's BTF cannot be found, the line names it and what porttrace needs.
func TestNoBTF(t *testing.T) {
	var w *watcherProc
	n := newNetns(t)
	err := n.Do(func() error { // on a thread of its own, which keeps its mounts to itself
		err := errors.Join(
			unix.Unshare(unix.CLONE_NEWNS),
			unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""),
			unix.Mount("tmpfs", "/sys/kernel/btf", "tmpfs", 0, ""))
		if err != nil {
			return err
		}
		w, err = startWatcher(t, as(all), watcher{})
		return err
	})
	if err == nil && w.attached.Error == "" {
		t.Skip("this host has the BTF of its kernel in a file of a debug package, too")
	}
	checkRefusal(t, w, err, "has no BTF (/sys/kernel/btf/vmlinux)", "Linux 5.10 or later")
}
