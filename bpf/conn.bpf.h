/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The state kept with a socket. The kernel skips a run of a program that interrupts
 * another run of it on the same CPU (05b24ff9b2cf, 6.1), so a CLOSE can be missed, and
 * the next socket at the same address then finds a stale entry.
 */
#ifndef __PORTTRACE_CONN_BPF_H
#define __PORTTRACE_CONN_BPF_H

#include "core.bpf.h"
#include "deliver.bpf.h"
#include "maps.bpf.h"
#include "options.bpf.h"

static __always_inline u64 cookie_of(struct sock *sk)
{
	return opt_cookie ? bpf_get_socket_cookie(sk) : sk->__sk_common.skc_cookie.counter;
}

/* Counts the missed CLOSE of an entry whose socket is gone. A listener sends none. */
static __always_inline void count_stale(struct conn *stale)
{
	if (!(stale->flags & CONN_LISTENER))
		count_lost(KIND_CLOSE);
}

/* Returns NULL if there is no entry for exactly this socket. */
static __always_inline struct conn *find_conn(struct sock *sk)
{
	u64 key = (u64)sk;
	struct conn *conn = bpf_map_lookup_elem(&pt_conns, &key);

	if (!conn || !conn->cookie || conn->cookie == sk->__sk_common.skc_cookie.counter)
		return conn;
	count_stale(conn);
	bpf_map_delete_elem(&pt_conns, &key);
	return NULL;
}

/* Stores the state of a new socket, over any stale entry. Returns false if the map is full. */
static __always_inline bool keep_conn(struct sock *sk, struct conn *conn)
{
	u64 key = (u64)sk;
	struct conn *stale;

	if (!bpf_map_update_elem(&pt_conns, &key, conn, BPF_NOEXIST))
		return true;
	stale = bpf_map_lookup_elem(&pt_conns, &key);
	if (stale)
		count_stale(stale);
	return !bpf_map_update_elem(&pt_conns, &key, conn, BPF_ANY);
}

#endif /* __PORTTRACE_CONN_BPF_H */
