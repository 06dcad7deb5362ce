/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Listening sockets, by which user space finds the listener of a port, and failed listen(). */
#ifndef __PORTTRACE_LISTEN_BPF_H
#define __PORTTRACE_LISTEN_BPF_H

#include "conn.bpf.h"
#include "owner.bpf.h"
#include "socket.bpf.h"

/* inet_csk_listen_start() sets LISTEN before it asks for the port. */
static __noinline void listen_started(struct sock *sk)
{
	struct owner owner = current_owner();
	struct conn conn = {
		.ts = bpf_ktime_get_ns(),
		.pid = owner.pid,
		.start = owner.start,
		.cookie = cookie_of(sk),
		.state = TCP_LISTEN,
		.flags = CONN_LISTENER,
	};
	struct sock_event e;

	if (owner.filtered)
		conn.flags |= CONN_FILTERED;
	keep_conn(sk, conn_at(sk), &conn);
	fill_event(&e, sk, &conn, KIND_LISTEN, bpf_ktime_get_ns());
	e.flags &= ~FLAG_FILTERED; /* accepted connections of every process need it */
	if (e.sport)
		deliver(&e);
}

/*
 * LISTEN to CLOSE. A socket that never listened found no port, or its port was taken by another
 * listener: __inet_hash() sets SOCK_RCU_FREE on every socket that does listen; close() shuts
 * down first, but shutdown() does not. conn is NULL if listen() was before the start.
 */
static __noinline void listen_ended(struct sock *sk, struct conn *conn)
{
	bool had_port = sk->__sk_common.skc_num;
	struct sock_event e;

	if (!conn || sk->sk_shutdown ||
	    sock_flag(sk, bpf_core_enum_value(enum sock_flags, SOCK_RCU_FREE))) {
		fill_event(&e, sk, conn, KIND_LISTEN_END, bpf_ktime_get_ns());
		e.flags &= ~FLAG_FILTERED;
		deliver(&e);
		return;
	}
	fill_event(&e, sk, conn, KIND_BIND_FAIL, bpf_ktime_get_ns());
	e.op = OP_LISTEN;
	e.err = EADDRINUSE;
	e.reason = had_port ? REASON_ERRNO : REASON_RANGE_EXHAUSTED;
	e.flags |= FLAG_ERRNO_INFERRED;
	deliver_failure(&e, false);
}

#endif /* __PORTTRACE_LISTEN_BPF_H */
