/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Outgoing connections until they are established or have failed.
 *
 * tcp_v4_connect() and tcp_v6_connect() set SYN_SENT, search a port, send the SYN, and set
 * CLOSE again if one of these fails. State changes alone thus show every failure, on any
 * kernel. Hooks on the return of the search and of connect() show the errno, and the port as
 * soon as the SYN was sent; without them a connect() that has no answer shows at the next
 * scan of all sockets, or when its SYN is sent again.
 */
#ifndef __PORTTRACE_CONNECT_BPF_H
#define __PORTTRACE_CONNECT_BPF_H

#include "conn.bpf.h"
#include "limit.bpf.h"
#include "open.bpf.h"
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
		.state = TCP_SYN_SENT,
		.flags = CONN_OUT,
	};

	/* inet_sport can still be the port of an earlier connection, skc_num cannot. */
	conn.old_sport = local_port(sk);
	conn.old_err = sk->sk_err;
	if (bound)
		conn.flags |= CONN_BOUND;
	if (owner.filtered)
		conn.flags |= CONN_FILTERED;
	conn.limited = limited_pair(sk, &conn);
	if (!keep_conn(sk, conn_at(sk), &conn)) /* its CLOSE will not be attributed to it */
		count_lost(KIND_OPEN);
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

	if (!conn || !(conn->flags & CONN_OUT))
		return 0;
	note_search(conn, ret);
	/* tcp_twsk_unique() copies the bucket's timestamp to the new socket. A socket that
	 * was connected before may have one of its own. */
	if (tp && !ret && !conn->old_sport && tp->rx_opt.ts_recent_stamp)
		conn->flags |= CONN_REUSED;
	return 0;
}

/* The same for a kretprobe, which cannot read the socket. */
static __always_inline int port_searched_kret(u64 sk_address, int ret)
{
	struct conn *conn = bpf_map_lookup_elem(&pt_conns, &sk_address);

	if (conn && conn->flags & CONN_OUT)
		note_search(conn, ret);
	return 0;
}

/* Sends the OPEN of a connection that waits for the answer to its SYN. The task has returned
 * from connect(), or a scan has come upon the socket. */
static __always_inline void syn_sent(struct sock *sk)
{
	struct conn *conn = find_conn(sk);

	if (conn && conn->flags & CONN_OUT && syn_in_flight(sk))
		send_open(sk, conn);
}

static __noinline void connect_established(struct sock *sk, struct conn *conn)
{
	struct sock_event e;

	conn->state = TCP_ESTABLISHED;
	send_open(sk, conn);
	if (!(conn->flags & CONN_UNANSWERED))
		return;
	conn->flags &= ~CONN_UNANSWERED;
	begin_event(&e, conn, KIND_SYN_ANSWERED, bpf_ktime_get_ns());
	deliver_of(sk, conn, &e);
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
	send_open(sk, conn);
	conn->flags |= CONN_UNANSWERED;
	begin_event(&e, conn, KIND_SYN_UNANSWERED, bpf_ktime_get_ns());
	deliver_of(sk, conn, &e);
	return 0;
}

static __always_inline void send_connect_failure(struct sock *sk, struct conn *conn, u16 err,
						 u8 reason, u32 more_flags)
{
	bool ends_sent_open = more_flags & FLAG_HAS_PORT && !limited_counts(sk, conn);
	struct sock_event e;

	fill_event(&e, sk, conn, KIND_CONNECT_FAIL, bpf_ktime_get_ns());
	e.op = OP_CONNECT;
	e.err = err;
	e.reason = reason;
	e.flags |= more_flags;
	if (!(more_flags & FLAG_HAS_PORT) && !(conn->flags & CONN_BOUND))
		e.sport = 0; /* stale */
	deliver_failure(&e, ends_sent_open);
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
	return local_port(sk) != conn->old_sport;
}

/*
 * connect() fails without a SYN: there was no OPEN, and the port is free again. Of a bound
 * socket the search only checks whether the 4-tuple is taken: then the range is not
 * exhausted. If a port was found, the route with that port or the memory for the SYN failed,
 * tcp_v4_connect(); the hooks that show the search show the errno of connect(), too.
 */
static __always_inline void connect_failed_early(struct sock *sk, struct conn *conn)
{
	u32 inferred = conn->flags & CONN_SEARCHED ? 0 : FLAG_ERRNO_INFERRED;

	if (port_was_found(sk, conn)) {
		if (inferred || !opt_calls) {
			mark_reported();
			send_connect_failure(sk, conn, 0, REASON_ERRNO, FLAG_ERRNO_INFERRED);
		}
		return;
	}
	mark_reported();
	send_connect_failure(sk, conn, EADDRNOTAVAIL,
			     conn->flags & CONN_BOUND ? REASON_TUPLE_TAKEN : REASON_RANGE_EXHAUSTED,
			     inferred);
}

/* SYN_SENT to CLOSE. Without an error but after the SYN, its owner gave it up: close(),
 * shutdown(), the end of the process, or connect() with AF_UNSPEC. */
static __noinline void connect_ended(struct sock *sk, struct conn *conn)
{
	int err = sk->sk_err;

	if (err == conn->old_err)
		err = 0;
	if (err || conn->flags & CONN_OPENED || syn_in_flight(sk)) {
		send_open(sk, conn);
		send_connect_failure(sk, conn, err, err ? REASON_ERRNO : REASON_GIVEN_UP,
				     FLAG_HAS_PORT);
		return;
	}
	/* Shut down without a SYN: it was to go out with the first data, TCP_FASTOPEN_CONNECT. */
	if (!sk->sk_shutdown)
		connect_failed_early(sk, conn);
}

#endif /* __PORTTRACE_CONNECT_BPF_H */
