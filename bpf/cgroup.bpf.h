/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * bind() if neither trampolines nor kprobes can be used: programs at the root of the
 * cgroup v2 hierarchy, one before bind() and one after it if it succeeded. A start without
 * a success is a failure, whose errno is inferred. connect() costs nothing more.
 */
#ifndef __PORTTRACE_CGROUP_BPF_H
#define __PORTTRACE_CGROUP_BPF_H

#include "bind.bpf.h"

/* Returns the errno with which __inet_bind() will fail before it checks the address, or 0. */
static __always_inline u16 early_errno(struct sock *sk, struct sock_event *e)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct net *net = BPF_CORE_READ(sk, __sk_common.skc_net.net);
	u64 caps = 0;

	BPF_CORE_READ_INTO(&caps, task, cred, cap_effective);
	if (e->sport && e->sport < BPF_CORE_READ(net, ipv4.sysctl_ip_prot_sock) &&
	    !(caps >> CAP_NET_BIND_SERVICE & 1))
		return EACCES;
	if (BPF_CORE_READ(sk, __sk_common.skc_state) != TCP_CLOSE ||
	    BPF_CORE_READ(sk, __sk_common.skc_num))
		return EINVAL;
	return 0;
}

/* Reports the thread's previous bind() as failed, if it did not succeed. */
static __always_inline void fail_pending(u64 thread)
{
	struct sock_event *pending = bpf_map_lookup_elem(&pt_binds, &thread), e;

	if (!pending)
		return;
	e = *pending;
	bind_failed(&e, e.err);
}

/* The requested address is in different fields for each family. */
static __always_inline void read_request4(struct bpf_sock_addr *ctx, struct sock_event *e)
{
	e->sport = bpf_ntohs(ctx->user_port);
	map_v4(e->saddr, ctx->user_ip4);
}

static __always_inline void read_request6(struct bpf_sock_addr *ctx, struct sock_event *e)
{
	u32 *to = (u32 *)e->saddr;

	e->sport = bpf_ntohs(ctx->user_port);
	to[0] = ctx->user_ip6[0];
	to[1] = ctx->user_ip6[1];
	to[2] = ctx->user_ip6[2];
	to[3] = ctx->user_ip6[3];
}

static __always_inline int bind_started(struct bpf_sock_addr *ctx, bool v6)
{
	u64 thread = bpf_get_current_pid_tgid();
	struct bpf_sock *ctx_sk = ctx->sk;
	struct sock_event e;
	struct sock *sk;
	struct net *net;

	if (ctx->protocol != IPPROTO_TCP || !ctx_sk)
		return 1;
	sk = (struct sock *)bpf_skc_to_tcp_sock(ctx_sk);
	if (!sk)
		return 1;
	fail_pending(thread);
	e = bind_event(sk);
	if (v6)
		read_request6(ctx, &e);
	else
		read_request4(ctx, &e);
	/* No port is requested: none is taken, and success cannot be observed. */
	if (!e.sport && e.flags & FLAG_NO_PORT) {
		bpf_map_delete_elem(&pt_binds, &thread);
		return 1;
	}
	net = sk->__sk_common.skc_net.net;
	e.duration = (u64)net;
	e.search_ns = address_generation(net);
	e.err = early_errno(sk, &e);
	e.flags |= FLAG_ERRNO_INFERRED;
	bpf_map_update_elem(&pt_binds, &thread, &e, BPF_ANY);
	return 1;
}

static __always_inline int bind_succeeded(struct bpf_sock *ctx)
{
	u64 thread = bpf_get_current_pid_tgid();
	struct sock_event *pending = bpf_map_lookup_elem(&pt_binds, &thread), e;

	if (!pending)
		return 1;
	e = *pending;
	bpf_map_delete_elem(&pt_binds, &thread);
	e.head.ts = bpf_ktime_get_ns();
	e.sport = ctx->src_port;
	e.err = 0;
	e.flags &= ~FLAG_ERRNO_INFERRED;
	deliver(&e);
	return 1;
}

#endif /* __PORTTRACE_CGROUP_BPF_H */
