/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * A datagram socket without a port gets one by connect() or sendto(). If none is left, the
 * call fails with EAGAIN, as if a buffer were full. TCP sockets do not come this way.
 */
#ifndef __PORTTRACE_AUTOBIND_BPF_H
#define __PORTTRACE_AUTOBIND_BPF_H

#include "bind.bpf.h"

/* inet_autobind(), net/ipv4/af_inet.c */
static __always_inline int autobind_returned(struct sock *sk, int ret)
{
	struct in6_addr v6;
	struct sock_event e;

	if (ret >= 0 || BPF_CORE_READ(sk, sk_protocol) != IPPROTO_UDP)
		return 0;
	e = call_event(sk, KIND_BIND_FAIL);
	if (BPF_CORE_READ(sk, __sk_common.skc_family) == AF_INET6) {
		v6 = BPF_CORE_READ(sk, __sk_common.skc_v6_rcv_saddr);
		copy_v6(e.saddr, &v6);
	} else {
		map_v4(e.saddr, BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr));
	}
	e.op = OP_AUTOBIND;
	e.err = -ret;
	e.reason = e.err == EAGAIN ? REASON_RANGE_EXHAUSTED : REASON_ERRNO;
	deliver_failure(&e, false);
	return 0;
}

#endif /* __PORTTRACE_AUTOBIND_BPF_H */
