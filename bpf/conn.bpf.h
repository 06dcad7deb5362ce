/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The state kept with a socket. The kernel can skip a run (skipped.bpf.h), so a CLOSE can be
 * missed, and the next socket at the same address then finds a stale entry.
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

/* Returns the entry at the address of the socket, which can be another's: see live_conn(). */
static __always_inline struct conn *conn_at(struct sock *sk)
{
	u64 key = (u64)sk;

	return bpf_map_lookup_elem(&pt_conns, &key);
}

/* Returns the entry if it is of exactly this socket, NULL if not. It may be NULL. */
static __always_inline struct conn *live_conn(struct sock *sk, struct conn *at)
{
	if (!at || !at->flags)
		return NULL;
	if (!at->cookie || at->cookie == sk->__sk_common.skc_cookie.counter)
		return at;
	count_stale(at);
	at->flags = 0;
	return NULL;
}

static __always_inline struct conn *find_conn(struct sock *sk)
{
	return live_conn(sk, conn_at(sk));
}

/* Stores the state of a new socket in the entry at its address, over any stale one. Returns
 * false if there is none, and no room in the map. */
static __always_inline bool keep_conn(struct sock *sk, struct conn *at, const struct conn *conn)
{
	u64 key = (u64)sk;
	u32 zero = 0, *used;

	if (at) {
		if (at->flags)
			count_stale(at);
		*at = *conn;
		return true;
	}
	if (bpf_map_update_elem(&pt_conns, &key, conn, BPF_NOEXIST))
		return false;
	used = bpf_map_lookup_elem(&pt_conns_used, &zero);
	if (used)
		atomic_add(*used, 1);
	return true;
}

/* The kernel soon gives the memory of a closed socket to another, which then finds its entry made:
 * to make and delete one for each connection took a sixth of the time of all programs. */
static __always_inline void release_conn(struct sock *sk, struct conn *conn)
{
	u64 key = (u64)sk;
	u32 zero = 0, *used = bpf_map_lookup_elem(&pt_conns_used, &zero);

	conn->flags = 0;
	conn->state = TCP_CLOSE;
	if (used && *used > opt_kept_conns && !bpf_map_delete_elem(&pt_conns, &key))
		atomic_add(*used, -1);
}

#endif /* __PORTTRACE_CONN_BPF_H */
