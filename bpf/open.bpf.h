/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The event of an outgoing connection whose SYN was sent. */
#ifndef __PORTTRACE_OPEN_BPF_H
#define __PORTTRACE_OPEN_BPF_H

#include "limit.bpf.h"
#include "maps.bpf.h"
#include "socket.bpf.h"

/*
 * Sends one OPEN for each outgoing connection whose SYN was sent, at the first hook after
 * that. Those whose connect() fails before have none: TcpActiveOpens does not count them,
 * and a bound socket whose 4-tuple is taken never had it.
 */
static __noinline void send_open(struct sock *sk, struct conn *conn)
{
	struct sock_event e;

	if (conn->flags & CONN_OPENED)
		return;
	conn->flags |= CONN_OPENED;
	begin_event(&e, conn, KIND_OPEN, conn->ts);
	e.search_ns = conn->search_ns;
	if (conn->flags & CONN_REUSED)
		e.flags |= FLAG_REUSED;
	if (!(conn->flags & (CONN_BOUND | CONN_SEARCHED)))
		e.flags |= FLAG_SPORT_INFERRED;
	deliver_of(sk, conn, &e);
}

#endif /* __PORTTRACE_OPEN_BPF_H */
