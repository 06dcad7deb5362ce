/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Outgoing connections until they are established or have failed.
 *
 * tcp_v4_connect() and tcp_v6_connect() set SYN_SENT, search a port, and set CLOSE
 * again if there is none. State changes alone thus show every failure, on any kernel; a
 * hook on the return of the search shows the port and the errno at once.
 */
#ifndef __PORTTRACE_CONNECT_BPF_H
#define __PORTTRACE_CONNECT_BPF_H

#include "conn.bpf.h"
#include "owner.bpf.h"
#include "socket.bpf.h"

/* CLOSE to SYN_SENT: always in the task that called connect(), or sendto() with
 * MSG_FASTOPEN. Only here is "current" certain to be the owner. */
static __noinline void connect_started(struct sock *sk, bool bound)
{
	struct owner owner = current_owner();
	struct conn conn = {
		.ts = bpf_ktime_get_ns(),
		.pid = owner.pid,
		.start = owner.start,
		.cookie = cookie_of(sk),
		.flags = CONN_OUT,
	};

	/* inet_sport can still be the port of an earlier connection, skc_num cannot. */
	conn.old_sport = local_port(sk);
	conn.old_err = sk->sk_err;
	if (bound)
		conn.flags |= CONN_BOUND;
	if (owner.filtered)
		conn.flags |= CONN_FILTERED;
	if (bound)
		send_open(sk, &conn, 0);
	if (!keep_conn(sk, &conn)) /* its CLOSE will not be attributed to it */
		count_lost(conn.flags & CONN_OPENED ? KIND_CLOSE : KIND_OPEN);
}

/* Keeps the result of the port search with the connection. */
static __always_inline void note_search(struct conn *conn, int ret)
{
	conn->flags |= CONN_SEARCHED;
	conn->search_ret = ret;
	conn->search_ns = bpf_ktime_get_ns() - conn->ts;
}

/*
 * Returns the state of a connection whose task is still in connect(), and makes it if the
 * kernel skipped connect_started(). But only once the state tracepoint is attached:
 * before, the CLOSE would be missed.
 */
static __always_inline struct conn *find_or_start_connect(struct sock *sk)
{
	struct conn *conn = find_conn(sk);
	u32 zero = 0, *ready;

	if (conn || sk->sk_protocol != IPPROTO_TCP)
		return conn;
	ready = bpf_map_lookup_elem(&pt_ready, &zero);
	if (!ready || !*ready)
		return NULL;
	connect_started(sk, BPF_CORE_READ_BITFIELD(sk, sk_userlocks) & SOCK_BINDPORT_LOCK);
	return find_conn(sk);
}

/* inet_hash_connect() or inet6_hash_connect() returned. */
static __always_inline int port_searched(struct sock *sk, int ret)
{
	struct conn *conn = find_or_start_connect(sk);
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	bool reused;

	if (!conn || !(conn->flags & CONN_OUT))
		return 0;
	note_search(conn, ret);
	if (!tp || ret)
		return 0;
	/* tcp_twsk_unique() copies the bucket's timestamp to the new socket. A socket that
	 * was connected before may have one of its own. */
	reused = !conn->old_sport && tp->rx_opt.ts_recent_stamp;
	send_open(sk, conn, reused ? FLAG_REUSED : 0);
	return 0;
}

/* The same for a kretprobe, which cannot read the socket: the OPEN is sent at the next
 * state change, and its port is exact, too. */
static __always_inline int port_searched_kret(u64 sk_address, int ret)
{
	struct conn *conn = bpf_map_lookup_elem(&pt_conns, &sk_address);

	if (conn && conn->flags & CONN_OUT)
		note_search(conn, ret);
	return 0;
}

static __noinline void connect_established(struct sock *sk, struct conn *conn)
{
	struct sock_event e;

	send_open(sk, conn, 0);
	if (!(conn->flags & CONN_UNANSWERED))
		return;
	conn->flags &= ~CONN_UNANSWERED;
	fill_event(&e, sk, conn, KIND_SYN_ANSWERED);
	deliver(&e);
}

/* A SYN is retransmitted: the first had no answer for a second. */
static __always_inline int syn_retransmitted(struct sock *sk)
{
	struct conn *conn;
	struct sock_event e;

	if (sk->__sk_common.skc_state != TCP_SYN_SENT)
		return 0;
	conn = find_conn(sk);
	if (!conn || !(conn->flags & CONN_OUT) || conn->flags & CONN_UNANSWERED)
		return 0;
	send_open(sk, conn, 0);
	conn->flags |= CONN_UNANSWERED;
	fill_event(&e, sk, conn, KIND_SYN_UNANSWERED);
	deliver(&e);
	return 0;
}

static __always_inline void send_connect_failure(struct sock *sk, struct conn *conn, u16 err,
						 u8 reason, u32 more_flags)
{
	struct sock_event e;

	fill_event(&e, sk, conn, KIND_CONNECT_FAIL);
	e.op = OP_CONNECT;
	e.err = err;
	e.reason = reason;
	e.flags |= more_flags;
	if (!(more_flags & FLAG_HAS_PORT))
		e.sport = 0; /* stale */
	deliver_failure(&e);
}

/* The search found no port. For a bound socket it only checks whether the 4-tuple is
 * taken: then the range is not exhausted. */
static __always_inline void send_no_port(struct sock *sk, struct conn *conn)
{
	u32 inferred = conn->flags & CONN_SEARCHED ? 0 : FLAG_ERRNO_INFERRED;

	if (conn->flags & CONN_BOUND)
		send_connect_failure(sk, conn, EADDRNOTAVAIL, REASON_TUPLE_TAKEN,
				     FLAG_HAS_PORT | inferred);
	else
		send_connect_failure(sk, conn, EADDRNOTAVAIL, REASON_RANGE_EXHAUSTED, inferred);
}

/* connect() itself is about to fail: connect_returned() must not report it again. */
static __always_inline void mark_reported(void)
{
	u64 thread = bpf_get_current_pid_tgid();
	u8 one = 1;

	if (opt_calls)
		bpf_map_update_elem(&pt_reported, &thread, &one, BPF_ANY);
}

static __always_inline bool port_was_found(struct sock *sk, struct conn *conn)
{
	if (conn->flags & CONN_SEARCHED)
		return conn->search_ret == 0;
	if (conn->flags & CONN_UNANSWERED)
		return true;
	return local_port(sk) != conn->old_sport;
}

/* SYN_SENT to CLOSE. */
static __noinline void connect_ended(struct sock *sk, struct conn *conn)
{
	u8 shutdown = sk->sk_shutdown;
	int err = sk->sk_err;
	struct sock_event e;

	if (err == conn->old_err)
		err = 0;
	if (!err && !shutdown)
		mark_reported();
	if (!err && !shutdown && !port_was_found(sk, conn)) {
		send_no_port(sk, conn);
		return;
	}
	send_open(sk, conn, 0);
	if (err || !shutdown) {
		/* Without an errno: the route or the queue refused the SYN, tcp_v4_connect(). */
		send_connect_failure(sk, conn, err, REASON_ERRNO,
				     FLAG_HAS_PORT | (err ? 0 : FLAG_ERRNO_INFERRED));
		return;
	}
	/* Closed or killed while in SYN_SENT: aborted, not failed. */
	fill_event(&e, sk, conn, KIND_CLOSE);
	e.closed_by = CLOSED_BY_ABORT;
	deliver(&e);
}

#endif /* __PORTTRACE_CONNECT_BPF_H */
