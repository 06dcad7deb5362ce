/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* All maps. User space sets the sizes of the rings before it loads them. */
#ifndef __PORTTRACE_MAPS_BPF_H
#define __PORTTRACE_MAPS_BPF_H

#include "event.h"

#include <bpf/bpf_helpers.h>

#define MAX_CONNS (1 << 18)
#define MAX_PROCS (1 << 14)
#define MAX_TARGETS (1 << 14)
#define MAX_CALLS (1 << 13)
#define MAX_FOLDS (1 << 14)
#define MAX_NETNS (1 << 12)

/*
 * What is kept with a socket from connect() or accept to its end. A hash by
 * sk pointer and not socket storage: it exists on every kernel and costs less.
 * sk memory is used again within a millisecond, so an entry never outlives
 * the CLOSE of its socket; where the kernel skipped that run of ours, the cookie
 * tells (find_conn()).
 */
struct conn {
	u64 ts;	    /* of the SYN, or of ESTABLISHED for an accepted one */
	u64 start;  /* owner */
	u64 cookie; /* 0 where the kernel has none for us */
	u64 close_wait_ts;
	u32 pid;
	u32 search_ns;
	u16 old_sport; /* what inet_sport held when the SYN was due: stale after a reuse */
	u16 flags;     /* enum conn_flag */
	s16 search_ret;
	u16 old_err; /* likewise sk_err */
};

enum conn_flag {
	CONN_OUT = 1 << 0,
	CONN_IN = 1 << 1,
	CONN_LISTENER = 1 << 2,
	CONN_FILTERED = 1 << 3,
	CONN_BOUND = 1 << 4,	/* the port was there before connect() */
	CONN_SEARCHED = 1 << 5, /* search_ret is known */
	CONN_OPENED = 1 << 6,	/* its open was sent */
	CONN_UNANSWERED = 1 << 7,
	CONN_LOCAL_FIN = 1 << 8, /* who sent the first FIN */
	CONN_REMOTE_FIN = 1 << 9,
	CONN_IN_CLOSE_WAIT = 1 << 10,
	CONN_ADOPTED = 1 << 11, /* it existed before us */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_CONNS);
	__type(key, u64);
	__type(value, struct conn);
} pt_conns SEC(".maps");

/* Not 0 once the state changes are seen. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u32);
} pt_ready SEC(".maps");

/* Processes that user space has been told of. */
struct known_proc {
	u64 start;
	u64 exec_id; /* counts execve(): the same process can change its program */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, MAX_PROCS);
	__type(key, u32);
	__type(value, struct known_proc);
} pt_procs SEC(".maps");

/* pid -> start in clock ticks, the unit of /proc: whom the filter selects. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_TARGETS);
	__type(key, u32);
	__type(value, u64);
} pt_targets SEC(".maps");

/* Arguments between the entry and the return of a kprobe. LRU, since a kretprobe can
 * miss its return (maxactive). By function, too: connect() calls the port search. */
enum called {
	CALLED_SEARCH,
	CALLED_BIND,
	CALLED_CONNECT4,
	CALLED_CONNECT6,
	CALLED_AUTOBIND,
};

struct call_key {
	u64 thread;
	u64 called;
};

struct call {
	u64 sk;
	u64 uaddr;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, MAX_CALLS);
	__type(key, struct call_key);
	__type(value, struct call);
} pt_calls SEC(".maps");

/* Threads whose connect() failed in the sight of the state changes. LRU, since nobody
 * may take the mark away where connect() itself is not seen. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, MAX_CALLS);
	__type(key, u64);
	__type(value, u8);
} pt_told SEC(".maps");

/* bind() calls of which only the beginning was seen so far, by thread. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_CALLS);
	__type(key, u64);
	__type(value, struct sock_event);
} pt_binds SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 22);
} pt_events SEC(".maps");

/* Failures, processes and listeners have their own: no storm of opens pushes them out. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} pt_failures SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, KIND_COUNT);
	__type(key, u32);
	__type(value, struct kind_counts);
} pt_counts SEC(".maps");

/*
 * What is folded goes into the inner map. User space swaps in a fresh one and then
 * reads the old one, which nobody writes any more: looking up and deleting in a map
 * that is in use loses counts.
 */
struct fold_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_FOLDS);
	__type(key, struct fold_key);
	__type(value, struct fold_counts);
} pt_folds_first SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, u32);
	__array(values, struct fold_map);
} pt_folds SEC(".maps") = {
	.values = { &pt_folds_first },
};

struct fail_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_FOLDS);
	__type(key, struct fail_key);
	__type(value, struct fail_counts);
} pt_fails_first SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, u32);
	__array(values, struct fail_map);
} pt_fails SEC(".maps") = {
	.values = { &pt_fails_first },
};

/* Namespaces that a census has told, by address: the session that did. LRU, since one
 * that was forgotten is merely told again. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, MAX_NETNS);
	__type(key, u64);
	__type(value, u64);
} pt_netns_told SEC(".maps");

/* Where one is put together, too large for the stack. There is one reader at a time. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct census_netns);
} pt_netns SEC(".maps");

#endif /* __PORTTRACE_MAPS_BPF_H */
