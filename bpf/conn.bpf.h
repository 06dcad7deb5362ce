/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What is kept with a socket, found again. The kernel skips a run of a program that
 * interrupts another of the same on its processor (05b24ff9b2cf, 6.1), so the end of a
 * socket can go unseen and its entry be met by the next socket at this address.
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

/* An entry whose socket is gone. Listeners end without an event. */
static __always_inline void count_stale(struct conn *stale)
{
	if (!(stale->flags & CONN_LISTENER))
		count_lost(KIND_CLOSE);
}

/* NULL where nothing is kept with this very socket. */
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

/* For a socket that begins anew, whatever was kept at its address. False: the map is full. */
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
