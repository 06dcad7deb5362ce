package probe

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// ErrUnsupported is wrapped by the errors of Open if this kernel or these privileges do
// not allow tracing at all.
var ErrUnsupported = errors.New("cannot trace here")

// ErrPrivileges is wrapped in place of it, and wraps it, if this process lacks capabilities.
var ErrPrivileges = fmt.Errorf("%w", ErrUnsupported)

var (
	errNoBTF = errors.New("no BTF")
	errMaps  = errors.New("creating maps")
)

// needs names the oldest kernel that porttrace is tested with.
const needs = "porttrace needs Linux 5.10 or later, built with CONFIG_DEBUG_INFO_BTF"

// explain returns an error of one line that says what the host lacks, or err itself if the
// host is not the reason. A version alone is no reason: distributions backport features.
func (h host) explain(err error) error {
	why, kind := "", ErrUnsupported
	switch {
	case errors.Is(err, errNoBTF):
		why = fmt.Sprintf("this kernel, %s, has no BTF (/sys/kernel/btf/vmlinux): %s", h.release, needs)
	case errors.Is(err, unix.EPERM):
		why = h.refusal(err)
		if len(h.missing()) > 0 && h.lockdown != "confidentiality" {
			kind = ErrPrivileges
		}
	case h.before(5, 8):
		why = fmt.Sprintf("this kernel, %s, has no BPF ring buffer (%s): %s", h.release, brief(err), needs)
	case h.before(5, 10), errors.Is(err, ebpf.ErrNotSupported):
		why = fmt.Sprintf("this kernel, %s, lacks a feature (%s): %s", h.release, brief(err), needs)
	default:
		return err
	}
	return fmt.Errorf("%w: %s", kind, why)
}

// refusal returns why the kernel answered EPERM, which has many reasons.
func (h host) refusal(err error) string {
	missing := h.missing()
	switch {
	case h.lockdown == "confidentiality":
		return "kernel lockdown is in confidentiality mode, in which BPF may not read kernel memory (kernel_lockdown(7)): boot with lockdown=integrity"
	case len(missing) == 1:
		return missing[0] + " is missing: porttrace needs root, or the capabilities CAP_BPF and CAP_PERFMON"
	case len(missing) > 1:
		return "porttrace needs root, or the capabilities " + strings.Join(missing, " and ") + ": run it with sudo"
	case errors.Is(err, errMaps) && h.before(5, 11) && !h.has(unix.CAP_SYS_RESOURCE):
		return "before Linux 5.11 maps count as locked memory: porttrace also needs CAP_SYS_RESOURCE, or no limit on locked memory (ulimit -l unlimited, LimitMEMLOCK=infinity)"
	}
	return fmt.Sprintf("the kernel refuses BPF although this process has the capabilities: is this a container without CAP_BPF in the host's user namespace? (%s)", brief(err))
}

// refused returns why the hook cannot be used.
func (h host) refused(hook Hook, err error) string {
	if hook == Cgroup && errors.Is(err, unix.EPERM) && !h.has(unix.CAP_NET_ADMIN) && !h.has(unix.CAP_SYS_ADMIN) {
		return "needs CAP_NET_ADMIN"
	}
	return brief(err)
}

// checkHook returns an error if the kernel does not have the hook at all. It is asked before
// programs are loaded for it.
func checkHook(hook Hook) error {
	if hook != Kprobe {
		return nil
	}
	if _, err := os.Stat("/sys/bus/event_source/devices/kprobe"); errors.Is(err, fs.ErrNotExist) {
		return errors.New("this kernel has no kprobes")
	}
	return nil
}

// kprobeError returns the reason, which the library's errors hide behind those of its other
// attempts.
func kprobeError(function string, err error) error {
	if err == nil {
		return nil
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("this kernel has no function %s", function)
	case errors.Is(err, unix.EACCES):
		return errors.New("kernel.perf_event_paranoid forbids it")
	}
	return err
}

// brief returns the last part of an error, the kernel's answer. If the verifier refuses a
// program, that is a bug of porttrace, and all of the line is returned.
func brief(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	var refused *ebpf.VerifierError
	if errors.As(err, &refused) {
		unknown := slices.IndexFunc(refused.Log, func(line string) bool { return strings.HasPrefix(line, "unknown func") })
		if unknown < 0 {
			return "verifier: " + line
		}
		line = refused.Log[unknown]
	}
	line = line[strings.LastIndex(line, ": ")+1:]
	line, _, _ = strings.Cut(line, " (")
	return strings.TrimSpace(line)
}
