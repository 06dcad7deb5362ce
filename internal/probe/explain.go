package probe

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// ErrUnsupported is wrapped by every error that says that this kernel or these
// privileges do not allow tracing at all.
var ErrUnsupported = errors.New("cannot trace here")

var errNoBTF = errors.New("no BTF")

// explain turns what the kernel said into one line that says what to do.
func explain(err error) error {
	switch {
	case errors.Is(err, errNoBTF):
		return fmt.Errorf("%w: this kernel has no BTF (/sys/kernel/btf/vmlinux): porttrace needs Linux 5.8 or later, built with CONFIG_DEBUG_INFO_BTF", ErrUnsupported)
	case errors.Is(err, unix.EPERM) && lockdown() == "confidentiality":
		return fmt.Errorf("%w: kernel lockdown is in confidentiality mode, which forbids BPF to read kernel memory (kernel_lockdown(7)): boot with lockdown=integrity", ErrUnsupported)
	case errors.Is(err, unix.EPERM) && !privileged():
		return fmt.Errorf("%w: it takes root, or the capabilities CAP_BPF and CAP_PERFMON: run it with sudo", ErrUnsupported)
	case errors.Is(err, unix.EPERM):
		return fmt.Errorf("%w: the kernel refuses BPF although the privileges are there: is this a container without CAP_BPF in the host's user namespace? (%s)", ErrUnsupported, brief(err))
	case errors.Is(err, ebpf.ErrNotSupported):
		return fmt.Errorf("%w: porttrace needs Linux 5.8 or later with BTF: %s", ErrUnsupported, brief(err))
	}
	return err
}

// lockdown is the mode in force, empty where the kernel has none.
func lockdown() string {
	text, err := os.ReadFile("/sys/kernel/security/lockdown")
	if err != nil {
		return ""
	}
	_, rest, _ := strings.Cut(string(text), "[")
	mode, _, _ := strings.Cut(rest, "]")
	return mode
}

// privileged reports whether the effective capabilities suffice: CAP_SYS_ADMIN, or
// CAP_BPF and CAP_PERFMON (capabilities(7)).
func privileged() bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if unix.Capget(&header, &data[0]) != nil {
		return false
	}
	has := func(capability uint) bool {
		return data[capability/32].Effective>>(capability%32)&1 == 1
	}
	return has(unix.CAP_SYS_ADMIN) || has(unix.CAP_BPF) && has(unix.CAP_PERFMON)
}
