/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The limit of detail: user space names pairs of a process and an end that have too many events
 * (internal/probe/limit.go), and all but a sample of their connections are only counted here. Which
 * pair a connection is of is looked up once its owner is known and kept with it, so an event of it
 * costs less than one that is sent: a storm is where cost matters.
 */
#ifndef __PORTTRACE_LIMIT_BPF_H
#define __PORTTRACE_LIMIT_BPF_H

#include "deliver.bpf.h"
#include "maps.bpf.h"
#include "socket.bpf.h"

/* Reads the remote address of a socket, or its own, as read_addrs(). */
static __always_inline void read_end(struct sock *sk, bool remote, __u8 addr[16])
{
	if (sk->__sk_common.skc_family == AF_INET6) {
		copy_v6(addr, &sk->__sk_common.skc_v6_daddr);
		if (!is_v4mapped(addr)) {
			if (!remote)
				copy_v6(addr, &sk->__sk_common.skc_v6_rcv_saddr);
			return;
		}
	}
	map_v4(addr, remote ? sk->__sk_common.skc_daddr : sk->__sk_common.skc_rcv_saddr);
}

/* Returns the number of the limited pair of a connection, 0 if it is of none. Not inlined: its key
 * would be on the stack of the caller. */
static __noinline u32 limited_pair(struct sock *sk, const struct conn *conn)
{
	struct fold_key key = {
		.start = conn->start,
		.pid = conn->pid,
		.netns = sk->__sk_common.skc_net.net->ns.inum,
		.proto = IPPROTO_TCP,
	};
	u32 zero = 0, *any = bpf_map_lookup_elem(&pt_limited, &zero), *number;

	if (!any || !*any || conn->flags & CONN_FILTERED)
		return 0;
	key.direction = conn->flags & CONN_OUT ? DIR_OUT : DIR_IN;
	key.port = key.direction == DIR_OUT ? bpf_ntohs(sk->__sk_common.skc_dport) : local_port(sk);
	read_end(sk, key.direction == DIR_OUT, key.addr);
	number = bpf_map_lookup_elem(&pt_limited_pairs, &key);
	return number ? *number : 0;
}

/* One connection of SAMPLED is sent although its pair is limited, by its ports: so all events of
 * a connection are, or none. 40503 is 2^16 by the golden ratio, so neighbours are not alike. */
#define SAMPLED 64

static __always_inline bool in_sample(struct sock *sk)
{
	u16 ports = local_port(sk) ^ bpf_ntohs(sk->__sk_common.skc_dport);

	return (u16)(ports * 40503) < (1 << 16) / SAMPLED;
}

/* Returns where to count what happens to a connection, NULL if it is to be sent: its pair is not
 * limited, or not any more, or it is one of the sample. */
static __always_inline struct fold_counts *limited_counts(struct sock *sk, const struct conn *conn)
{
	u32 slot, *number;

	if (!conn || !conn->limited)
		return NULL;
	slot = conn->limited % MAX_LIMITED;
	number = bpf_map_lookup_elem(&pt_limited_numbers, &slot);
	if (!number || *number != conn->limited || in_sample(sk))
		return NULL;
	return bpf_map_lookup_elem(&pt_limited_counts, &slot);
}

static __noinline int count_limited(struct fold_counts *counts, const struct sock_event *e)
{
	struct kind_counts *kinds;
	u32 kind;

	if (!counts || !e)
		return 0;
	count(counts, e);
	kind = e->head.kind;
	kinds = bpf_map_lookup_elem(&pt_counts, &kind);
	if (kinds) {
		atomic_add(kinds->seen, 1);
		atomic_add(kinds->limited, 1);
	}
	return 0;
}

/* Sends an event of a connection that begin_event() has begun, or only counts it. */
static __always_inline void deliver_of(struct sock *sk, const struct conn *conn,
				       struct sock_event *e)
{
	struct fold_counts *counts = limited_counts(sk, conn);

	if (counts) {
		count_limited(counts, e);
		return;
	}
	read_ends(e, sk);
	deliver(e);
}

#endif /* __PORTTRACE_LIMIT_BPF_H */
