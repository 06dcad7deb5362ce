package confine

import "golang.org/x/sys/unix"

const (
	format   = unix.AUDIT_ARCH_AARCH64
	firstX32 = 1 << 31 // there is none
)

// architectureCalls are calls of this architecture that no run makes.
var architectureCalls []uint32
