package confine

import "golang.org/x/sys/unix"

const (
	format   = unix.AUDIT_ARCH_X86_64
	firstX32 = 0x40000000 // __X32_SYSCALL_BIT of arch/x86/include/uapi/asm/unistd.h
)

// architectureCalls are calls of this architecture that no run makes.
var architectureCalls = []uint32{unix.SYS_IOPL, unix.SYS_IOPERM, unix.SYS_MKNOD, unix.SYS_MODIFY_LDT, unix.SYS_USELIB}
