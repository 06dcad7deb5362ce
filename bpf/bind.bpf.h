/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * bind(): its result and the requested address, which is read from the caller's sockaddr,
 * since the kernel clears the socket's address if bind() fails.
 */
#ifndef __PORTTRACE_BIND_BPF_H
#define __PORTTRACE_BIND_BPF_H

#include "deliver.bpf.h"
#include "owner.bpf.h"
#include "sockaddr.bpf.h"

static __always_inline u32 bind_options(struct sock *sk)
{
	u32 flags = 0;

	if (BPF_CORE_READ_BITFIELD_PROBED(sk, __sk_common.skc_reuse))
		flags |= FLAG_REUSEADDR;
	if (BPF_CORE_READ_BITFIELD_PROBED(sk, __sk_common.skc_reuseport))
		flags |= FLAG_REUSEPORT;
	if (binds_without_port((struct inet_sock *)sk))
		flags |= FLAG_NO_PORT;
	return flags;
}

/* Returns an event with the fields that all calls share. Must run in the calling task. */
static __always_inline struct sock_event call_event(struct sock *sk, u32 kind)
{
	struct owner owner = calling_owner();
	struct sock_event e = {
		.head.ts = bpf_ktime_get_ns(),
		.head.start = owner.start,
		.head.pid = owner.pid,
		.head.kind = kind,
	};

	e.proto = BPF_CORE_READ(sk, sk_protocol);
	e.netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
	e.device = BPF_CORE_READ(sk, __sk_common.skc_bound_dev_if);
	if (owner.filtered)
		e.flags |= FLAG_FILTERED;
	return e;
}

static __always_inline struct sock_event bind_event(struct sock *sk)
{
	struct sock_event e = call_event(sk, KIND_BIND);

	e.op = OP_BIND;
	e.flags |= bind_options(sk);
	return e;
}

static __always_inline void bind_failed(struct sock_event *e, u16 err)
{
	e->head.kind = KIND_BIND_FAIL;
	e->err = err;
	e->reason = err == EADDRINUSE && !e->sport ? REASON_RANGE_EXHAUSTED : REASON_ERRNO;
	deliver_failure(e, false);
}

/* bind() returned. If it succeeded without a port (IP_BIND_ADDRESS_NO_PORT), it took none. */
static __always_inline int bind_returned(struct sock *sk, struct sockaddr_at at, int ret)
{
	u16 protocol = BPF_CORE_READ(sk, sk_protocol);
	u16 num = BPF_CORE_READ(sk, __sk_common.skc_num);
	struct sock_event e;

	if (protocol != IPPROTO_TCP && (protocol != IPPROTO_UDP || ret >= 0))
		return 0;
	if (ret >= 0 && !num)
		return 0;
	e = bind_event(sk);
	read_sockaddr(at, e.saddr, &e.sport);
	if (ret < 0) {
		bind_failed(&e, -ret);
		return 0;
	}
	e.sport = num;
	deliver(&e);
	return 0;
}

#endif /* __PORTTRACE_BIND_BPF_H */
