/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Makes events from a socket and the state kept with it. */
#ifndef __PORTTRACE_SOCKET_BPF_H
#define __PORTTRACE_SOCKET_BPF_H

#include "conn_event.bpf.h"
#include "core.bpf.h"
#include "event.h"
#include "maps.bpf.h"

#include <bpf/bpf_endian.h>

/*
 * Here and in the headers that include this one sk must come from a tracepoint or a
 * trampoline, which pass it with its type, so its fields are read directly: a helper call
 * for each would be most of the cost. A kprobe's sk is a mere number; see
 * port_searched_kret().
 */
static __always_inline u16 local_port(struct sock *sk)
{
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);

	return tp ? bpf_ntohs(tp->inet_conn.icsk_inet.inet_sport) : 0;
}

static __always_inline bool sock_flag(struct sock *sk, int flag)
{
	return sk->__sk_common.skc_flags >> flag & 1;
}

static __always_inline void map_v4(__u8 to[16], __be32 addr)
{
	u32 *w = (u32 *)to;

	w[0] = 0;
	w[1] = 0;
	w[2] = bpf_htonl(0xffff);
	w[3] = addr;
}

static __always_inline void copy_v6(__u8 to[16], struct in6_addr *from)
{
	u32 *w = (u32 *)to;

	w[0] = from->in6_u.u6_addr32[0];
	w[1] = from->in6_u.u6_addr32[1];
	w[2] = from->in6_u.u6_addr32[2];
	w[3] = from->in6_u.u6_addr32[3];
}

static __always_inline void read_addrs(struct sock *sk, struct sock_event *e)
{
	if (sk->__sk_common.skc_family == AF_INET6) {
		copy_v6(e->daddr, &sk->__sk_common.skc_v6_daddr);
		if (!is_v4mapped(e->daddr)) {
			copy_v6(e->saddr, &sk->__sk_common.skc_v6_rcv_saddr);
			return;
		}
		e->flags |= FLAG_V4MAPPED;
	}
	map_v4(e->saddr, sk->__sk_common.skc_rcv_saddr);
	map_v4(e->daddr, sk->__sk_common.skc_daddr);
}

static __always_inline void read_port(struct sock *sk, struct sock_event *e)
{
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	u32 range;

	if (!tp)
		return;
	e->sport = bpf_ntohs(tp->inet_conn.icsk_inet.inet_sport);
	range = socket_port_range(tp);
	e->low = range;
	e->high = range >> 16;
}

/* Reports whether the SYN of a socket that is or was in SYN_SENT has been sent. It stays in
 * the retransmission queue until it is answered or tcp_disconnect() purges the queue, which
 * is after the change of state (tcp_connect_queue_skb(), net/ipv4/tcp_output.c). */
static __always_inline bool syn_in_flight(struct sock *sk)
{
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);

	return tp && tp->packets_out;
}

/* Sets the fields of an event that only the socket has: its ends, and where it is. */
static __always_inline void read_ends(struct sock_event *e, struct sock *sk)
{
	e->netns = sk->__sk_common.skc_net.net->ns.inum;
	e->device = sk->__sk_common.skc_bound_dev_if;
	read_port(sk, e);
	e->dport = bpf_ntohs(sk->__sk_common.skc_dport);
	read_addrs(sk, e);
}

/* Sets the other fields that all events of a connection share. conn may be NULL. */
static __always_inline void begin_event(struct sock_event *e, const struct conn *conn, u32 kind,
					u64 now)
{
	__builtin_memset(e, 0, sizeof(*e));
	e->head.ts = now;
	e->head.kind = kind;
	e->proto = IPPROTO_TCP;
	if (!conn)
		return;
	e->head.start = conn->start;
	e->head.pid = conn->pid;
	e->cookie = conn->cookie;
	e->duration = e->head.ts - conn->ts;
	e->direction = conn->flags & CONN_OUT  ? DIR_OUT
		       : conn->flags & CONN_IN ? DIR_IN
					       : DIR_UNKNOWN;
	if (conn->flags & CONN_BOUND)
		e->flags |= FLAG_EARLY_BIND;
	if (conn->flags & CONN_FILTERED)
		e->flags |= FLAG_FILTERED;
	if (conn->flags & CONN_UNANSWERED)
		e->flags |= FLAG_UNANSWERED;
	if (conn->flags & CONN_IN_CLOSE_WAIT)
		e->flags |= FLAG_IN_CLOSE_WAIT;
}

static __always_inline void fill_event(struct sock_event *e, struct sock *sk,
				       const struct conn *conn, u32 kind, u64 now)
{
	begin_event(e, conn, kind, now);
	read_ends(e, sk);
}

#endif /* __PORTTRACE_SOCKET_BPF_H */
