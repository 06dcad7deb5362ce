/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The address that a caller passed, in kernel or user memory. */
#ifndef __PORTTRACE_SOCKADDR_BPF_H
#define __PORTTRACE_SOCKADDR_BPF_H

#include "socket.bpf.h"

/* include/uapi/linux/in.h and in6.h, without the types that kernels rename. */
#define SOCKADDR_PORT 2
#define SOCKADDR_IN_ADDR 4
#define SOCKADDR_IN6_ADDR 8

struct sockaddr_at {
	void *addr;
	bool user; /* in user memory: at the exit of a system call */
};

static __always_inline struct sockaddr_at in_kernel(void *addr)
{
	return (struct sockaddr_at){ .addr = addr };
}

static __always_inline struct sockaddr_at in_user(void *addr)
{
	return (struct sockaddr_at){ .addr = addr, .user = true };
}

static __always_inline void copy_from(struct sockaddr_at at, u32 offset, void *to, u32 size)
{
	if (at.user)
		bpf_probe_read_user(to, size, at.addr + offset);
	else
		bpf_probe_read_kernel(to, size, at.addr + offset);
}

static __always_inline void read_sockaddr(struct sockaddr_at at, __u8 addr[16], __u16 *port)
{
	u16 family = 0;
	__be16 be_port = 0;
	__be32 v4 = 0;

	copy_from(at, 0, &family, sizeof(family));
	copy_from(at, SOCKADDR_PORT, &be_port, sizeof(be_port));
	*port = bpf_ntohs(be_port);
	if (family == AF_INET6) {
		copy_from(at, SOCKADDR_IN6_ADDR, addr, 16);
		return;
	}
	copy_from(at, SOCKADDR_IN_ADDR, &v4, sizeof(v4));
	map_v4(addr, v4);
}

#endif /* __PORTTRACE_SOCKADDR_BPF_H */
