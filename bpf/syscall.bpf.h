/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * bind() and connect() at the exit of the system call: exact results if neither trampolines
 * nor kprobes can be used, but every system call of the host gets slower. Calls by
 * io_uring and by 32-bit programs are not traced.
 */
#ifndef __PORTTRACE_SYSCALL_BPF_H
#define __PORTTRACE_SYSCALL_BPF_H

#include "bind.bpf.h"
#include "connect_error.bpf.h"

#if defined(__TARGET_ARCH_x86) /* arch/x86/entry/syscalls/syscall_64.tbl */
#define NR_CONNECT 42
#define NR_BIND 49
#define SYSCALL_NR(regs) BPF_CORE_READ(regs, orig_ax)
#define SYSCALL_FD(regs) ((int)BPF_CORE_READ(regs, di))
#define SYSCALL_UADDR(regs) ((void *)BPF_CORE_READ(regs, si))
#else /* include/uapi/asm-generic/unistd.h; regs[0] is the result at exit */
#define NR_BIND 200
#define NR_CONNECT 203
#define SYSCALL_NR(regs) BPF_CORE_READ(regs, syscallno)
#define SYSCALL_FD(regs) ((int)BPF_CORE_READ(regs, orig_x0))
#define SYSCALL_UADDR(regs) ((void *)BPF_CORE_READ(regs, regs[1]))
#endif

/* Returns the socket of a file descriptor of the current task, NULL if it is not a socket. */
static __always_inline struct sock *sock_of_fd(int fd)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct fdtable *fdt = BPF_CORE_READ(task, files, fdt);
	struct file **files = BPF_CORE_READ(fdt, fd), *file = NULL;
	struct socket *socket;

	if (fd < 0 || (u32)fd >= BPF_CORE_READ(fdt, max_fds))
		return NULL;
	bpf_probe_read_kernel(&file, sizeof(file), files + fd);
	if (!file || (BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return NULL;
	socket = BPF_CORE_READ(file, private_data);
	return BPF_CORE_READ(socket, sk);
}

static __always_inline bool is_inet(struct sock *sk)
{
	u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);

	return family == AF_INET || family == AF_INET6;
}

/* Reports whether a blocking connect() failed after its SYN, in which case the state
 * tracepoint has reported it: the socket then has a port still. If it was bound before,
 * only the errno shows it. */
static __always_inline bool failed_after_syn(struct sock *sk, long ret)
{
	if (!BPF_CORE_READ(sk, __sk_common.skc_num))
		return BPF_CORE_READ((struct inet_sock *)sk, inet_sport) != 0;
	switch (-ret) {
	case ECONNRESET:
	case ETIMEDOUT:
	case ECONNREFUSED:
	case EHOSTUNREACH:
		return true;
	}
	return false;
}

static __always_inline int syscall_returned(struct pt_regs *regs, long ret)
{
	long nr = SYSCALL_NR(regs);
	struct sock *sk;

	if (nr != NR_BIND && nr != NR_CONNECT)
		return 0;
	sk = sock_of_fd(SYSCALL_FD(regs));
	if (!sk || !is_inet(sk))
		return 0;
	if (nr == NR_BIND)
		return bind_returned(sk, in_user(SYSCALL_UADDR(regs)), ret);
	if (failed_after_syn(sk, ret))
		return 0;
	return connect_returned(sk, in_user(SYSCALL_UADDR(regs)), ret);
}

#endif /* __PORTTRACE_SYSCALL_BPF_H */
