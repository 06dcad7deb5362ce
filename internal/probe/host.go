package probe

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/linux"
)

// host is the kernel and the privileges of this process, which decide whether tracing is
// possible.
type host struct {
	release      string
	lockdown     string // the mode in force, empty if the kernel has no lockdown
	capabilities uint64 // effective, one bit for each: capabilities(7)
}

func thisHost() host {
	_, release := linux.Uname()
	return host{release: release, lockdown: lockdown(), capabilities: capabilities()}
}

// before reports whether the kernel is older than major.minor.
func (h host) before(major, minor int) bool {
	var haveMajor, haveMinor int
	if n, _ := fmt.Sscanf(h.release, "%d.%d", &haveMajor, &haveMinor); n != 2 {
		return false
	}
	return haveMajor < major || haveMajor == major && haveMinor < minor
}

func (h host) has(capability uint) bool { return h.capabilities>>capability&1 == 1 }

// missing returns the required capabilities that the process does not have. CAP_SYS_ADMIN
// implies both.
func (h host) missing() []string {
	var names []string
	if !h.has(unix.CAP_BPF) && !h.has(unix.CAP_SYS_ADMIN) {
		names = append(names, "CAP_BPF")
	}
	if !h.has(unix.CAP_PERFMON) && !h.has(unix.CAP_SYS_ADMIN) {
		names = append(names, "CAP_PERFMON")
	}
	return names
}

func lockdown() string {
	text, err := os.ReadFile("/sys/kernel/security/lockdown")
	if err != nil {
		return ""
	}
	_, rest, _ := strings.Cut(string(text), "[")
	mode, _, _ := strings.Cut(rest, "]")
	return mode
}

func capabilities() uint64 {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	_ = unix.Capget(&header, &data[0]) // fails for an invalid address or version only
	return uint64(data[1].Effective)<<32 | uint64(data[0].Effective)
}
