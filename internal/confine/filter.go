package confine

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The filter refuses with EPERM what a run never does, and allows the rest: a call that a later Go
// runtime or kernel needs works, and a wrong rule costs a feature, not the process. It also refuses
// calls in another format than this program's own (int 0x80, x32), by which all could be had in spite
// of it; the filters of elastic/go-seccomp-bpf allow the first.

// programCalls start other programs.
var programCalls = []uint32{unix.SYS_EXECVE, unix.SYS_EXECVEAT}

// traceCalls change other processes. The release of a command is ptrace(2).
var traceCalls = []uint32{unix.SYS_PTRACE}

// never are the calls that no run makes once it has attached.
var never = []uint32{
	// attach, or load into the kernel
	unix.SYS_PERF_EVENT_OPEN, unix.SYS_INIT_MODULE, unix.SYS_FINIT_MODULE, unix.SYS_DELETE_MODULE, unix.SYS_KEXEC_LOAD,
	unix.SYS_KEXEC_FILE_LOAD,
	// the memory of other processes
	unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV, unix.SYS_PIDFD_GETFD, unix.SYS_KCMP, unix.SYS_PROCESS_MADVISE,
	// mounts, other roots, files by handle
	unix.SYS_MOUNT, unix.SYS_UMOUNT2, unix.SYS_PIVOT_ROOT, unix.SYS_CHROOT, unix.SYS_MOVE_MOUNT, unix.SYS_OPEN_TREE,
	unix.SYS_FSOPEN, unix.SYS_FSCONFIG, unix.SYS_FSMOUNT, unix.SYS_FSPICK, unix.SYS_MOUNT_SETATTR, unix.SYS_OPEN_BY_HANDLE_AT,
	unix.SYS_NAME_TO_HANDLE_AT, unix.SYS_MKNODAT, unix.SYS_QUOTACTL, unix.SYS_FANOTIFY_INIT,
	// the host as a whole
	unix.SYS_REBOOT, unix.SYS_SWAPON, unix.SYS_SWAPOFF, unix.SYS_SETHOSTNAME, unix.SYS_SETDOMAINNAME, unix.SYS_SETTIMEOFDAY,
	unix.SYS_CLOCK_SETTIME, unix.SYS_CLOCK_ADJTIME, unix.SYS_ADJTIMEX, unix.SYS_ACCT, unix.SYS_SYSLOG, unix.SYS_VHANGUP,
	// new namespaces, keys, users; what attacks on the kernel begin with
	unix.SYS_UNSHARE, unix.SYS_ADD_KEY, unix.SYS_REQUEST_KEY, unix.SYS_KEYCTL, unix.SYS_SETUID, unix.SYS_SETGID,
	unix.SYS_SETREUID, unix.SYS_SETREGID, unix.SYS_SETRESUID, unix.SYS_SETRESGID, unix.SYS_SETGROUPS, unix.SYS_USERFAULTFD,
	unix.SYS_IO_URING_SETUP,
}

// rule allows a call only with some values of an argument, of which the kernel takes 32 bits.
type rule struct {
	call     uint32
	argument uint32
	values   []uint32
}

// only are calls of which the run makes some kinds.
var only = []rule{
	{unix.SYS_SETNS, 1, []uint32{unix.CLONE_NEWNET}},
	// A map that goes into a map of maps must have the types of the others. A program that was loaded
	// before is attached to a tracepoint when it is needed.
	{unix.SYS_BPF, 0, []uint32{
		unix.BPF_MAP_CREATE, unix.BPF_BTF_LOAD, unix.BPF_MAP_LOOKUP_ELEM, unix.BPF_MAP_UPDATE_ELEM, unix.BPF_MAP_DELETE_ELEM, unix.BPF_MAP_GET_NEXT_KEY,
		unix.BPF_MAP_LOOKUP_AND_DELETE_ELEM, unix.BPF_MAP_FREEZE, unix.BPF_MAP_LOOKUP_BATCH, unix.BPF_MAP_LOOKUP_AND_DELETE_BATCH,
		unix.BPF_MAP_UPDATE_BATCH, unix.BPF_MAP_DELETE_BATCH, unix.BPF_PROG_TEST_RUN, unix.BPF_OBJ_GET_INFO_BY_FD, unix.BPF_ITER_CREATE,
		unix.BPF_RAW_TRACEPOINT_OPEN,
	}},
}

// Offsets in struct seccomp_data of include/uapi/linux/seccomp.h. The lower half of an argument comes
// first on amd64 and arm64.
const (
	callOffset     = 0
	formatOffset   = 4
	argumentOffset = 16
	argumentSize   = 8
)

const (
	refused = unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)
	allowed = unix.SECCOMP_RET_ALLOW
)

// refuseCalls has the kernel refuse the calls, on all threads. It needs no_new_privs.
func refuseCalls(o *Options) error {
	program := filter(o)
	p := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	thread, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&p)))
	switch {
	case errno != 0:
		return fmt.Errorf("seccomp: %w", errno)
	case thread != 0:
		return fmt.Errorf("seccomp: thread %d has another filter", thread)
	}
	return nil
}

// filter returns the program. The calls that are refused whatever their arguments are come first:
// the kernel remembers which calls are allowed whatever their arguments are (since 5.11).
func filter(o *Options) []unix.SockFilter {
	calls := append(never[:len(never):len(never)], architectureCalls...)
	if !o.Programs {
		calls = append(calls, programCalls...)
	}
	if !o.Child {
		calls = append(calls, traceCalls...)
	}
	program := []unix.SockFilter{
		load(formatOffset), jump(unix.BPF_JEQ, format, 1, 0), answer(refused),
		load(callOffset), jump(unix.BPF_JGE, firstX32, 0, 1), answer(refused),
	}
	for i, call := range calls { // to the answer after the last
		program = append(program, jump(unix.BPF_JEQ, call, uint8(len(calls)-i), 0))
	}
	program = append(program, unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JA, K: 1}, answer(refused))
	for _, r := range only {
		program = append(program, r.program()...)
	}
	return append(program, answer(allowed))
}

// program answers for the call of the rule, and goes on with any other.
func (r *rule) program() []unix.SockFilter {
	n := len(r.values)
	list := []unix.SockFilter{jump(unix.BPF_JEQ, r.call, 0, uint8(n+3)), load(argumentOffset + argumentSize*r.argument)}
	for i, value := range r.values {
		list = append(list, jump(unix.BPF_JEQ, value, uint8(n-i), 0))
	}
	return append(list, answer(refused), answer(allowed))
}

func load(offset uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: offset}
}

// jump skips some instructions if the comparison holds, others if it does not.
func jump(comparison uint16, with uint32, holds, not uint8) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_JMP | comparison | unix.BPF_K, Jt: holds, Jf: not, K: with}
}

func answer(a uint32) unix.SockFilter { return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: a} }
