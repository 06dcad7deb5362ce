/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Accepted connections, and how connections of both directions are closed. */
#ifndef __PORTTRACE_CLOSE_BPF_H
#define __PORTTRACE_CLOSE_BPF_H

#include "conn.bpf.h"
#include "limit.bpf.h"
#include "open.bpf.h"
#include "owner.bpf.h"
#include "socket.bpf.h"

/* An accepted connection is established in softirq, not in its process: its owner is
 * known when a process closes it. */
static __noinline void accepted(struct sock *sk, struct conn *at)
{
	struct conn conn = {
		.ts = bpf_ktime_get_ns(),
		.cookie = cookie_of(sk),
		.state = TCP_ESTABLISHED,
		.flags = CONN_IN,
	};

	conn.limited = limited_pair(sk, &conn);
	keep_conn(sk, at, &conn);
}

/* Returns the state kept with the socket, and makes it if the socket is older than the
 * trace. NULL: the map is full. */
static __always_inline struct conn *find_or_adopt_conn(struct sock *sk)
{
	struct conn *at = conn_at(sk), *conn = live_conn(sk, at), fresh = {};

	if (conn)
		return conn;
	fresh.ts = bpf_ktime_get_ns();
	fresh.cookie = cookie_of(sk);
	fresh.flags = CONN_ADOPTED;
	keep_conn(sk, at, &fresh);
	return find_conn(sk);
}

/*
 * Only tcp_close() and tcp_shutdown() send a FIN, so "current" holds the socket. The owner of an
 * outgoing connection remains the process that opened it.
 *
 * When porttrace reads which files a process has open, the kernel holds each for a moment. If the
 * process closes it just then, porttrace is what closes the socket. Without an owner user space takes
 * the process that listens: it is right for a connection to porttrace, too.
 */
static __noinline void note_closer(struct sock *sk, struct conn *conn)
{
	struct owner owner;

	if (conn->pid)
		return;
	owner = current_owner();
	if (is_porttrace(&owner))
		return;
	conn->pid = owner.pid;
	conn->start = owner.start;
	/* If it entered CLOSE_WAIT without an owner, that was sent: so must its CLOSE be.
	 * User space, which knows the listener, then decides whether it is selected. */
	if (owner.filtered && !(conn->flags & CONN_IN_CLOSE_WAIT))
		conn->flags |= CONN_FILTERED;
	conn->limited = conn->flags & CONN_IN ? limited_pair(sk, conn) : 0;
}

static __always_inline void local_fin(struct sock *sk, int state)
{
	struct conn *conn = find_or_adopt_conn(sk);

	if (!conn)
		return;
	conn->state = state;
	note_closer(sk, conn);
}

static __noinline void remote_fin(struct sock *sk)
{
	struct conn *conn = find_or_adopt_conn(sk);
	struct sock_event e;

	if (!conn)
		return;
	conn->state = TCP_CLOSE_WAIT;
	begin_event(&e, conn, KIND_CLOSE_WAIT, bpf_ktime_get_ns());
	conn->close_wait_ts = e.head.ts;
	if (conn->flags & CONN_ADOPTED)
		return;
	deliver_of(sk, conn, &e);
	conn->flags |= CONN_IN_CLOSE_WAIT;
}

/*
 * Returns the flag of the bucket that this CLOSE leaves, 0 if none. tcp_time_wait() makes
 * the bucket just before, and no tracepoint shows that. SOCK_DONE means that the peer's FIN
 * arrived: TIME_WAIT, 60 s. Without it the socket is an orphan and the bucket in FIN_WAIT2,
 * for tcp_fin_timeout; a negative linger2 (TCP_LINGER2) prevents that one. A full bucket
 * table (tcp_max_tw_buckets) is not detected. The bucket inherits ts_recent_stamp, without
 * which tcp_twsk_unique() lets no connect() have its port.
 */
static __always_inline u32 bucket_flags(struct sock *sk, int old, int err)
{
	struct tcp_sock *tp;

	u32 stamps;

	if (err || (old != TCP_FIN_WAIT2 && old != TCP_CLOSING))
		return 0;
	tp = bpf_skc_to_tcp_sock(sk);
	if (!tp)
		return 0;
	stamps = tp->rx_opt.ts_recent_stamp ? 0 : FLAG_NO_TIMESTAMPS;
	if (sock_flag(sk, bpf_core_enum_value(enum sock_flags, SOCK_DONE)))
		return FLAG_TIME_WAIT | stamps;
	if (sock_flag(sk, bpf_core_enum_value(enum sock_flags, SOCK_DEAD)) && tp->linger2 >= 0)
		return FLAG_FIN_WAIT2 | stamps;
	return 0;
}

/* The last state shows which end sent the first FIN, if one did. */
static __always_inline u8 closed_by(int old, int err)
{
	switch (old) {
	case TCP_FIN_WAIT1:
	case TCP_FIN_WAIT2:
	case TCP_CLOSING:
		return CLOSED_BY_LOCAL;
	case TCP_CLOSE_WAIT:
	case TCP_LAST_ACK:
		return CLOSED_BY_REMOTE;
	}
	switch (err) {
	case 0: /* SO_LINGER 0, or closed with unread data */
		return CLOSED_BY_RESET_LOCAL;
	case ECONNRESET:
	case EPIPE:
		return CLOSED_BY_RESET_REMOTE;
	case ETIMEDOUT:
		return CLOSED_BY_TIMEOUT;
	}
	return CLOSED_BY_ABORT;
}

static __noinline void connection_closed(struct sock *sk, struct conn *conn, int old)
{
	int err = sk->sk_err;
	u16 flags = conn ? conn->flags : 0;
	struct sock_event e;

	/* The kernel may have skipped the run at which it was established. */
	if (conn && flags & CONN_OUT)
		send_open(sk, conn);
	begin_event(&e, conn, KIND_CLOSE, bpf_ktime_get_ns());
	e.err = err;
	e.closed_by = closed_by(old, err);
	e.flags |= bucket_flags(sk, old, err);
	if (!conn || flags & CONN_ADOPTED)
		e.duration = 0; /* its beginning is not known */
	if (conn && conn->close_wait_ts)
		e.close_wait = e.head.ts - conn->close_wait_ts;
	deliver_of(sk, conn, &e);
}

#endif /* __PORTTRACE_CLOSE_BPF_H */
