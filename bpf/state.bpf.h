/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Dispatches changes of TCP state, on which every other signal depends. They happen in
 * softirq or in a system call, so only the handlers that say so may read the current
 * process. Handlers are __noinline: all frames of a call chain share a stack of 512 bytes,
 * and an event takes 112.
 */
#ifndef __PORTTRACE_STATE_BPF_H
#define __PORTTRACE_STATE_BPF_H

#include "close.bpf.h"
#include "connect.bpf.h"
#include "listen.bpf.h"

static __always_inline void established(struct sock *sk, int old)
{
	struct conn *at = conn_at(sk), *conn = live_conn(sk, at);

	if (conn && conn->flags & CONN_OUT) /* from SYN_RECV: a simultaneous open, RFC 9293 3.5 */
		connect_established(sk, conn);
	else if (old == TCP_SYN_RECV)
		accepted(sk, at);
}

static __always_inline void closed(struct sock *sk, int old)
{
	struct conn *conn = find_conn(sk);

	switch (old) {
	case TCP_SYN_SENT:
		if (conn)
			connect_ended(sk, conn);
		break;
	case TCP_LISTEN:
		listen_ended(sk, conn);
		break;
	case TCP_SYN_RECV: /* not accepted yet, or a simultaneous open */
		if (conn && conn->flags & CONN_OUT)
			connect_ended(sk, conn);
		break;
	case TCP_CLOSE:
		break;
	default:
		connection_closed(sk, conn, old);
	}
	if (conn)
		release_conn(sk, conn);
}

static __always_inline int state_changed(struct sock *sk, int old, int new)
{
	if (sk->sk_protocol != IPPROTO_TCP)
		return 0; /* an MPTCP socket changes state beside its TCP subflows */
	switch (new) {
	case TCP_SYN_SENT:
		if (old == TCP_CLOSE)
			connect_started(sk, sk->__sk_common.skc_num);
		break;
	case TCP_ESTABLISHED:
		established(sk, old);
		break;
	case TCP_FIN_WAIT1:
	case TCP_LAST_ACK:
		local_fin(sk, new);
		break;
	case TCP_CLOSE_WAIT:
		remote_fin(sk);
		break;
	case TCP_LISTEN:
		if (old == TCP_CLOSE)
			listen_started(sk);
		break;
	case TCP_CLOSE:
		closed(sk, old);
		break;
	}
	return 0;
}

#endif /* __PORTTRACE_STATE_BPF_H */
