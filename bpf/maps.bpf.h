/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* All maps. The sizes are the most: user space lowers them by the host's sockets and memory. */
#ifndef __PORTTRACE_MAPS_BPF_H
#define __PORTTRACE_MAPS_BPF_H

#include "event.h"

#include <bpf/bpf_helpers.h>

#define MAX_CONNS (1 << 18)
#define MAX_PROCS (1 << 14)
#define MAX_UNSENT (1 << 12)
#define MAX_TARGETS (1 << 14)
#define MAX_CALLS (1 << 13)
#define MAX_FOLDS (1 << 14)
#define MAX_OWNER_FOLDS (1 << 12)
#define MAX_NETNS (1 << 12)
#define MAX_LIMITED (1 << 12)

/*
 * State of a socket from connect() or the handshake until its CLOSE. A hash by sk
 * pointer and not socket storage: it exists on every kernel and costs less. The
 * memory of a sock is reused within a millisecond, so an entry must be free after the
 * CLOSE of its socket (release_conn()). If the kernel skipped that run of our program,
 * the cookie shows that the entry is stale (live_conn()).
 */
struct conn {
	u64 ts;	    /* of the SYN, or of ESTABLISHED for an accepted one */
	u64 start;  /* owner */
	u64 cookie; /* 0 if programs cannot get one on this kernel */
	u64 close_wait_ts;
	u32 pid;
	u32 search_ns;
	u32 limited;   /* number of its pair in pt_limited_numbers, 0: it is of none */
	u16 old_sport; /* inet_sport before the search: stale if the socket was used before */
	u16 flags;     /* enum conn_flag; 0: the entry is free */
	s16 search_ret;
	u16 old_err; /* sk_err before the search */
	u32 state;   /* the last state of which pt_set_state has run, see skipped.bpf.h */
};

enum conn_flag {
	CONN_OUT = 1 << 0,
	CONN_IN = 1 << 1,
	CONN_LISTENER = 1 << 2,
	CONN_FILTERED = 1 << 3,
	CONN_BOUND = 1 << 4,	/* it had a port before connect() */
	CONN_SEARCHED = 1 << 5, /* search_ret is known */
	CONN_OPENED = 1 << 6,	/* its open was sent */
	CONN_UNANSWERED = 1 << 7,
	CONN_IN_CLOSE_WAIT = 1 << 8,
	CONN_ADOPTED = 1 << 9, /* it existed before the trace */
	CONN_REUSED = 1 << 10, /* its port was taken from a TIME_WAIT bucket */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_CONNS);
	__type(key, u64);
	__type(value, struct conn);
} pt_conns SEC(".maps");

/* How many entries pt_conns has, free ones among them. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u32);
} pt_conns_used SEC(".maps");

/* Set to 1 when the state tracepoint is attached. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u32);
} pt_ready SEC(".maps");

/* Processes whose facts were sent to user space. */
struct known_proc {
	u64 start;
	u64 exec_id; /* changes with execve(): a process can change its program */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, MAX_PROCS);
	__type(key, u32);
	__type(value, struct known_proc);
} pt_procs SEC(".maps");

/* Processes whose facts did not fit into the ring, until user space has read them here: one that
 * lives for a few ms makes no other call. LRU, since a storm of them can have no end. */
struct unsent_proc {
	u64 start;
	u32 ppid;
	u32 uid;
	char comm[COMM_LEN];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, MAX_UNSENT);
	__type(key, u32);
	__type(value, struct unsent_proc);
} pt_unsent SEC(".maps");

/* The selected processes: pid -> start in clock ticks, the unit of /proc. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_TARGETS);
	__type(key, u32);
	__type(value, u64);
} pt_targets SEC(".maps");

/* Arguments between a kprobe and its kretprobe. LRU, since a kretprobe can miss a return
 * (maxactive). The function is part of the key, since connect() calls the port search. */
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

/* Threads inside a connect() whose failure the state tracepoint has reported already. LRU,
 * since no program removes the entry if connect() itself is not traced. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, MAX_CALLS);
	__type(key, u64);
	__type(value, u8);
} pt_reported SEC(".maps");

/* bind() calls that have started but not succeeded yet, by thread. */
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

/* Failures, processes and listeners have a ring of their own, which opens cannot fill. */
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

/* Has pt_set_state, which pt_skipped calls. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u32);
} pt_programs SEC(".maps");

/* See skipped.bpf.h. */
struct change {
	u64 sk; /* 0: none */
	u64 state;
};

struct state_runs {
	struct change call;    /* of which pt_set_state ran last in a system call */
	struct change softirq; /* and in a softirq */
	struct change again;   /* for which pt_skipped calls it */
	u64 caught;	       /* for how many it did */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct state_runs);
} pt_state_runs SEC(".maps");

/*
 * Folded occurrences are counted in the inner map. User space replaces it by an empty
 * one and then reads the old one, to which no program writes any more: looking up and
 * deleting in a map that is in use would lose counts.
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

/*
 * Pairs of a process and an end that are limited: user space gives each a number, which no other
 * pair gets, and a slot: the number modulo MAX_LIMITED. A connection that is older than a change of
 * its slot has a number that is not there any more.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_LIMITED);
	__type(key, struct fold_key);
	__type(value, u32);
} pt_limited_pairs SEC(".maps");

/* By slot: the number of the pair that counts there, 0: none. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_LIMITED);
	__type(key, u32);
	__type(value, u32);
} pt_limited_numbers SEC(".maps");

/* By slot. Never set back: user space, which has it in its memory, subtracts what it has read before. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, MAX_LIMITED);
	__type(key, u32);
	__type(value, struct fold_counts);
} pt_limited_counts SEC(".maps");

/* How many pairs are limited: while none is, none is looked up. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u32);
} pt_limited SEC(".maps");

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

/*
 * What has no room in these is counted by owner alone, without the endpoint, so that a
 * process that uses very many destinations still has its totals. User space swaps these maps
 * together with the others.
 */
struct owner_fold_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_OWNER_FOLDS);
	__type(key, struct fold_key);
	__type(value, struct fold_counts);
} pt_owner_folds_first SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, u32);
	__array(values, struct owner_fold_map);
} pt_owner_folds SEC(".maps") = {
	.values = { &pt_owner_folds_first },
};

struct owner_fail_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_OWNER_FOLDS);
	__type(key, struct fail_key);
	__type(value, struct fail_counts);
} pt_owner_fails_first SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, u32);
	__array(values, struct owner_fail_map);
} pt_owner_fails SEC(".maps") = {
	.values = { &pt_owner_fails_first },
};

/* Namespaces that were emitted, by address: the iterator session that did so. LRU, since
 * an evicted one is merely emitted twice. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, MAX_NETNS);
	__type(key, u64);
	__type(value, u64);
} pt_netns_sent SEC(".maps");

/* Scratch space: a census_netns is too large for the stack. It has one reader at a time. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct census_netns);
} pt_netns SEC(".maps");

#endif /* __PORTTRACE_MAPS_BPF_H */
