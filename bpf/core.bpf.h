/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Constants that BTF does not carry, and shims for fields that differ between kernels. A
 * shim tests for a field, never for a version, and names the commit that made it necessary.
 */
#ifndef __PORTTRACE_CORE_BPF_H
#define __PORTTRACE_CORE_BPF_H

#include "../vmlinux.h"

#include <stddef.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#define AF_INET 2
#define AF_INET6 10
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17
#define IPPROTO_MPTCP 262

/* include/net/tcp_states.h */
#define TCP_ESTABLISHED 1
#define TCP_SYN_SENT 2
#define TCP_SYN_RECV 3
#define TCP_FIN_WAIT1 4
#define TCP_FIN_WAIT2 5
#define TCP_TIME_WAIT 6
#define TCP_CLOSE 7
#define TCP_CLOSE_WAIT 8
#define TCP_LAST_ACK 9
#define TCP_LISTEN 10
#define TCP_CLOSING 11

/* include/uapi/asm-generic/errno.h */
#define EAGAIN 11
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
	struct {
		__u16 lo;
		__u16 hi;
	} local_port_range;
} __attribute__((preserve_access_index));

#define INET_FLAGS_BIND_ADDRESS_NO_PORT 18 /* include/net/inet_sock.h */

static __always_inline bool binds_without_port(struct inet_sock *inet)
{
	struct inet_sock___o *old = (void *)inet;

	if (bpf_core_field_exists(old->bind_address_no_port))
		return BPF_CORE_READ_BITFIELD_PROBED(old, bind_address_no_port);
	return BPF_CORE_READ(inet, inet_flags) >> INET_FLAGS_BIND_ADDRESS_NO_PORT & 1;
}

/* The type of sk_lock has no name of its own, which vmlinux.h could keep. */
struct sock___lock {
	struct {
		int owned;
	} sk_lock;
} __attribute__((preserve_access_index));

/* Reports whether a system call holds the lock of the socket: sock_owned_by_user(). A change of its
 * state is then made by that call and not by a softirq. */
static __always_inline bool owned_by_call(struct sock *sk)
{
	return ((struct sock___lock *)sk)->sk_lock.owned;
}

/* IP_LOCAL_PORT_RANGE came with 91d0b78c5177 ("inet: Add IP_LOCAL_PORT_RANGE socket
 * option", 6.3 and 6.1.31). Since d9f28735af87 ("Use READ/WRITE_ONCE() for IP
 * local_port_range.", 6.8) it is one number, low | high << 16, as is the namespace's. */
static __always_inline u32 socket_port_range(struct tcp_sock *tp)
{
	struct inet_sock *inet = &tp->inet_conn.icsk_inet;
	struct inet_sock___o *old = (void *)inet;

	if (bpf_core_field_exists(inet->local_port_range))
		return inet->local_port_range;
	if (bpf_core_field_exists(old->local_port_range))
		return old->local_port_range.lo | (u32)old->local_port_range.hi << 16;
	return 0;
}

struct local_ports___o {
	int range[2];
} __attribute__((preserve_access_index));

/* Returns a number that grows with every change of the addresses of a namespace: the kernel
 * counts them after each, a tentative address that becomes usable among them. */
static __always_inline u32 address_generation(struct net *net)
{
	u32 generation = BPF_CORE_READ(net, ipv4.dev_addr_genid.counter);

	if (bpf_core_field_exists(net->ipv6))
		generation += BPF_CORE_READ(net, ipv6.dev_addr_genid.counter);
	return generation;
}

static __always_inline u32 netns_port_range(struct net *net)
{
	struct local_ports *ports = __builtin_preserve_access_index(&net->ipv4.ip_local_ports);
	struct local_ports___o *old = (void *)ports;

	if (bpf_core_field_exists(ports->range))
		return BPF_CORE_READ(ports, range);
	return BPF_CORE_READ(old, range[0]) | BPF_CORE_READ(old, range[1]) << 16;
}

/* Before 3d368ab87cf6 ("net: initialize net->net_cookie at netns setup", 5.12) a
 * namespace had no cookie until a program asked for it. */
struct net___o {
	atomic64_t net_cookie;
} __attribute__((preserve_access_index));

static __always_inline u64 netns_cookie(struct net *net)
{
	struct net___o *old = (void *)net;

	if (bpf_core_field_exists(net->net_cookie))
		return BPF_CORE_READ(net, net_cookie);
	if (bpf_core_field_exists(old->net_cookie))
		return BPF_CORE_READ(old, net_cookie.counter);
	return 0;
}

/* A pointer from fbb8295248e1 ("tcp: allocate tcp_death_row outside of struct
 * netns_ipv4", 5.18) to e9bd0cca09d1 ("tcp: Don't allocate tcp_death_row outside of
 * struct netns_ipv4.", 6.1). */
struct netns_ipv4___o {
	struct inet_timewait_death_row *tcp_death_row;
} __attribute__((preserve_access_index));

static __always_inline int netns_max_time_wait(struct net *net)
{
	struct netns_ipv4 *ipv4 = __builtin_preserve_access_index(&net->ipv4);
	struct netns_ipv4___o *old = (void *)ipv4;

	if (bpf_core_field_exists(old->tcp_death_row))
		return BPF_CORE_READ(old, tcp_death_row, sysctl_max_tw_buckets);
	return BPF_CORE_READ(ipv4, tcp_death_row.sysctl_max_tw_buckets);
}

/* A constant, one second, until ca6a6f93867a ("tcp: Add sysctl to configure TIME-WAIT reuse
 * delay", 6.14). */
static __always_inline u32 netns_reuse_delay_ms(struct net *net)
{
	if (bpf_core_field_exists(net->ipv4.sysctl_tcp_tw_reuse_delay))
		return BPF_CORE_READ(net, ipv4.sysctl_tcp_tw_reuse_delay);
	return 1000;
}

/* tcp_tw_timeout of Alibaba Cloud Linux, which stands there for TCP_TIMEWAIT_LEN. */
struct netns_ipv4___ali {
	int sysctl_tcp_tw_timeout;
} __attribute__((preserve_access_index));

static __always_inline u32 netns_time_wait(struct net *net)
{
	struct netns_ipv4 *ipv4 = __builtin_preserve_access_index(&net->ipv4);
	struct netns_ipv4___ali *ali = (void *)ipv4;

	if (bpf_core_field_exists(ali->sysctl_tcp_tw_timeout))
		return BPF_CORE_READ(ali, sysctl_tcp_tw_timeout);
	return 0;
}

#endif /* __PORTTRACE_CORE_BPF_H */
