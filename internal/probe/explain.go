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

// ErrUnsupported is wrapped by every error that says that this kernel or these
// privileges do not allow tracing at all.
var ErrUnsupported = errors.New("cannot trace here")

var (
	errNoBTF = errors.New("no BTF")
	errMaps  = errors.New("creating maps")
)

// needs is what porttrace runs on: the oldest kernel that it is tested with.
const needs = "porttrace needs Linux 5.10 or later, built with CONFIG_DEBUG_INFO_BTF"

// explain turns what the kernel said into one line that says what is missing. A version
// alone is no reason: distributions bring new things to old kernels.
func (h host) explain(err error) error {
	why := ""
	switch {
	case errors.Is(err, errNoBTF):
		why = fmt.Sprintf("this kernel, %s, has no BTF (/sys/kernel/btf/vmlinux): %s", h.release, needs)
	case errors.Is(err, unix.EPERM):
		why = h.refusal(err)
	case h.before(5, 8):
		why = fmt.Sprintf("this kernel, %s, has no BPF ring buffer (%s): %s", h.release, brief(err), needs)
	case h.before(5, 10), errors.Is(err, ebpf.ErrNotSupported):
		why = fmt.Sprintf("this kernel, %s, lacks something (%s): %s", h.release, brief(err), needs)
	default:
		return err
	}
	return fmt.Errorf("%w: %s", ErrUnsupported, why)
}

// refusal says why the answer was EPERM, which has many reasons.
func (h host) refusal(err error) string {
	missing := h.missing()
	switch {
	case h.lockdown == "confidentiality":
		return "kernel lockdown is in confidentiality mode, which forbids BPF to read kernel memory (kernel_lockdown(7)): boot with lockdown=integrity"
	case len(missing) == 1:
		return missing[0] + " is missing: it takes root, or the capabilities CAP_BPF and CAP_PERFMON"
	case len(missing) > 1:
		return "it takes root, or the capabilities " + strings.Join(missing, " and ") + ": run it with sudo"
	case errors.Is(err, errMaps) && h.before(5, 11) && !h.has(unix.CAP_SYS_RESOURCE):
		return "before Linux 5.11 maps count as locked memory: it takes CAP_SYS_RESOURCE, too, or no limit of it (ulimit -l unlimited, LimitMEMLOCK=infinity)"
	}
	return fmt.Sprintf("the kernel refuses BPF although the privileges are there: is this a container without CAP_BPF in the host's user namespace? (%s)", brief(err))
}

// refused says why a hook cannot be used.
func (h host) refused(hook Hook, err error) string {
	if hook == Cgroup && errors.Is(err, unix.EPERM) && !h.has(unix.CAP_NET_ADMIN) && !h.has(unix.CAP_SYS_ADMIN) {
		return "it takes CAP_NET_ADMIN"
	}
	return brief(err)
}

// lacking says what the kernel does not have at all, before programs are verified for it.
func lacking(hook Hook) error {
	if hook != Kprobe {
		return nil
	}
	if _, err := os.Stat("/sys/bus/event_source/devices/kprobe"); errors.Is(err, fs.ErrNotExist) {
		return errors.New("this kernel has no kprobes")
	}
	return nil
}

// kprobeError says plainly what the library's search for another way hides.
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

// brief is the end of an error, which says what the kernel answered. A program that the
// verifier refuses is a bug of ours and said in full.
func brief(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	var refused *ebpf.VerifierError
	if errors.As(err, &refused) {
		unknown := slices.IndexFunc(refused.Log, func(said string) bool { return strings.HasPrefix(said, "unknown func") })
		if unknown < 0 {
			return "verifier: " + line
		}
		line = refused.Log[unknown]
	}
	line = line[strings.LastIndex(line, ": ")+1:]
	line, _, _ = strings.Cut(line, " (")
	return strings.TrimSpace(line)
}
