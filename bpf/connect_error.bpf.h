/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * connect() that fails before the socket changes its state, for example without a route
 * or without an IPv6 source address. EADDRNOTAVAIL does not mean exhaustion here.
 */
#ifndef __PORTTRACE_CONNECT_ERROR_BPF_H
#define __PORTTRACE_CONNECT_ERROR_BPF_H

#include "bind.bpf.h"
#include "sockaddr.bpf.h"

/* include/linux/errno.h and asm-generic/errno.h: results that are not a failure. */
#define EINTR 4
#define EALREADY 114
#define EINPROGRESS 115
#define EISCONN 106
#define ERESTARTSYS 512

static __always_inline bool is_connect_failure(long ret)
{
	switch (-ret) {
	case EINTR:
	case EALREADY:
	case EINPROGRESS:
	case EISCONN:
		return false;
	}
	return ret < 0 && -ret < ERESTARTSYS;
}

/* Reports whether connect_ended() has sent this failure already, and resets that. */
static __always_inline bool take_reported(void)
{
	u64 thread = bpf_get_current_pid_tgid();

	if (!bpf_map_lookup_elem(&pt_reported, &thread))
		return false;
	bpf_map_delete_elem(&pt_reported, &thread);
	return true;
}

static __always_inline int connect_returned(struct sock *sk, struct sockaddr_at at, long ret)
{
	struct sock_event e;

	if (!is_connect_failure(ret) || take_reported())
		return 0;
	e = call_event(sk, KIND_CONNECT_FAIL);
	if (e.proto != IPPROTO_TCP)
		return 0;
	e.op = OP_CONNECT;
	e.direction = DIR_OUT;
	e.err = -ret;
	e.reason = REASON_ERRNO;
	read_sockaddr(at, e.daddr, &e.dport);
	deliver_failure(&e, false);
	return 0;
}

/* tcp_v6_connect() calls tcp_v4_connect() for a v4-mapped address; its own hook reports. */
static __always_inline int v4_connect_returned(struct sock *sk, void *uaddr, int ret)
{
	if (BPF_CORE_READ(sk, __sk_common.skc_family) == AF_INET6)
		return 0;
	return connect_returned(sk, in_kernel(uaddr), ret);
}

#endif /* __PORTTRACE_CONNECT_ERROR_BPF_H */
