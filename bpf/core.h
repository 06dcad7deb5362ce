/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Constants that BTF does not carry, and shims for what kernels disagree on. A shim
 * tests for a field, never for a version, and names the commit that made it necessary.
 */
#ifndef __PORTTRACE_CORE_H
#define __PORTTRACE_CORE_H

#define AF_INET 2
#define AF_INET6 10
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17

/* include/net/tcp_states.h */
#define TCP_ESTABLISHED 1
#define TCP_SYN_SENT 2
#define TCP_SYN_RECV 3
#define TCP_FIN_WAIT1 4
#define TCP_FIN_WAIT2 5
#define TCP_CLOSE 7
#define TCP_CLOSE_WAIT 8
#define TCP_LAST_ACK 9
#define TCP_LISTEN 10
#define TCP_CLOSING 11

/* include/uapi/asm-generic/errno.h */
#define EACCES 13
#define EINVAL 22
#define EPIPE 32
#define EADDRINUSE 98
#define EADDRNOTAVAIL 99
#define ECONNRESET 104
#define ETIMEDOUT 110
#define ECONNREFUSED 111
#define EHOSTUNREACH 113

#define PF_KTHREAD 0x00200000	/* include/linux/sched.h */
#define CAP_NET_BIND_SERVICE 10 /* include/uapi/linux/capability.h */
#define SOCK_BINDPORT_LOCK 8	/* include/net/sock.h */
#define S_IFMT 0170000
#define S_IFSOCK 0140000

/* 633488947ef6 ("kernfs: Use RCU to access kernfs_node::parent.", 6.15) renamed it. */
struct kernfs_node___o {
	struct kernfs_node___o *parent;
} __attribute__((preserve_access_index));

static __always_inline struct kernfs_node *kernfs_parent(struct kernfs_node *kn)
{
	struct kernfs_node___o *old = (void *)kn;

	if (bpf_core_field_exists(kn->__parent))
		return BPF_CORE_READ(kn, __parent);
	return (void *)BPF_CORE_READ(old, parent);
}

/* inet->bind_address_no_port was a bit-field until ca571e2eb7eb ("inet: move
 * inet->bind_address_no_port to inet->inet_flags", 6.6). */
struct inet_sock___o {
	__u8 bind_address_no_port : 1;
} __attribute__((preserve_access_index));

#define INET_FLAGS_BIND_ADDRESS_NO_PORT 18 /* include/net/inet_sock.h */

static __always_inline bool binds_without_port(struct inet_sock *inet)
{
	struct inet_sock___o *old = (void *)inet;

	if (bpf_core_field_exists(old->bind_address_no_port))
		return BPF_CORE_READ_BITFIELD_PROBED(old, bind_address_no_port);
	return BPF_CORE_READ(inet, inet_flags) >> INET_FLAGS_BIND_ADDRESS_NO_PORT & 1;
}

#endif /* __PORTTRACE_CORE_H */
