/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * How an event reaches user space: by a ring, or as a count. What the filter leaves
 * out and what the full ring leaves out take the same path, so that totals stay
 * exact under any filter and any load; only details go.
 */
#ifndef __PORTTRACE_DELIVER_BPF_H
#define __PORTTRACE_DELIVER_BPF_H

#include "core.bpf.h"
#include "event.h"
#include "maps.bpf.h"

#define FAILURES_IN_DETAIL 64 /* of one owner, target and errno, until the maps are swapped */

/* Its result must not be used: fetching atomics came with 5.12. */
#define add(counter, n) ((void)__sync_fetch_and_add(&(counter), n))

/* Not on the stack, which is short. */
static const struct fold_counts no_folds;
static const struct fail_counts no_fails;

static __always_inline struct fold_counts *fold_slot(struct fold_key *key, u64 now)
{
	struct fold_counts *counts;
	void *folds;
	u32 zero = 0;

	folds = bpf_map_lookup_elem(&pt_folds, &zero);
	if (!folds)
		return NULL;
	counts = bpf_map_lookup_elem(folds, key);
	if (counts)
		return counts;
	bpf_map_update_elem(folds, key, &no_folds, BPF_NOEXIST);
	counts = bpf_map_lookup_elem(folds, key);
	if (counts && !counts->first)
		counts->first = now;
	return counts;
}

/* False when the map is full. */
static __always_inline bool fold(struct sock_event *e)
{
	bool local_end = e->direction == DIR_IN || e->head.kind == KIND_BIND;
	struct fold_key key = {
		.start = e->head.start,
		.pid = e->head.pid,
		.netns = e->netns,
		.port = local_end ? e->sport : e->dport,
		.direction = e->direction,
		.proto = e->proto,
		.filtered = !!(e->flags & FLAG_FILTERED),
	};
	struct fold_counts *counts;

	__builtin_memcpy(key.addr, local_end ? e->saddr : e->daddr, sizeof(key.addr));
	counts = fold_slot(&key, e->head.ts);
	if (!counts)
		return false;
	counts->last = e->head.ts;
	switch (e->head.kind) {
	case KIND_OPEN:
		add(counts->opens, 1);
		break;
	case KIND_CLOSE:
		add(counts->closes, 1);
		if (e->flags & (FLAG_TIME_WAIT | FLAG_FIN_WAIT2))
			add(counts->time_wait, 1);
		if (e->flags & FLAG_IN_CLOSE_WAIT)
			add(counts->leave_close_wait, 1);
		if (e->flags & FLAG_UNANSWERED)
			add(counts->leave_syn_sent, 1);
		break;
	case KIND_BIND:
		add(counts->binds, 1);
		break;
	case KIND_CLOSE_WAIT:
		add(counts->enter_close_wait, 1);
		break;
	case KIND_SYN_UNANSWERED:
		add(counts->enter_syn_sent, 1);
		break;
	case KIND_SYN_ANSWERED:
		add(counts->leave_syn_sent, 1);
		break;
	}
	return true;
}

/* Who listens is told once, and other events lean on it. */
static __always_inline long to_ring(struct sock_event *e)
{
	if (e->head.kind == KIND_LISTEN)
		return bpf_ringbuf_output(&pt_failures, e, sizeof(*e), BPF_RB_NO_WAKEUP);
	return bpf_ringbuf_output(&pt_events, e, sizeof(*e), BPF_RB_NO_WAKEUP);
}

static __noinline int deliver(struct sock_event *e)
{
	u32 kind = e->head.kind;
	struct kind_counts *counts = bpf_map_lookup_elem(&pt_counts, &kind);

	if (!counts)
		return 0;
	add(counts->seen, 1);
	if (!(e->flags & FLAG_FILTERED) && !to_ring(e))
		add(counts->delivered, 1);
	else if (!fold(e))
		add(counts->lost, 1);
	else if (e->flags & FLAG_FILTERED)
		add(counts->filtered, 1);
	else
		add(counts->folded, 1);
	return 0;
}

static __always_inline struct fail_counts *fail_slot(struct sock_event *e)
{
	bool bind = e->op != OP_CONNECT;
	struct fail_key key = {
		.start = e->head.start,
		.pid = e->head.pid,
		.netns = e->netns,
		.flags = e->flags & (FLAG_HAS_PORT | FLAG_ERRNO_INFERRED),
		.port = bind ? e->sport : e->dport,
		.err = e->err,
		.op = e->op,
		.reason = e->reason,
		.proto = e->proto,
		.filtered = !!(e->flags & FLAG_FILTERED),
	};
	struct fail_counts *counts;
	void *fails;
	u32 zero = 0;

	__builtin_memcpy(key.addr, bind ? e->saddr : e->daddr, sizeof(key.addr));
	fails = bpf_map_lookup_elem(&pt_fails, &zero);
	if (!fails)
		return NULL;
	counts = bpf_map_lookup_elem(fails, &key);
	if (counts)
		return counts;
	bpf_map_update_elem(fails, &key, &no_fails, BPF_NOEXIST);
	counts = bpf_map_lookup_elem(fails, &key);
	if (counts && !counts->first)
		counts->first = e->head.ts;
	return counts;
}

/* The first failures of a kind go in detail, the rest of a storm as a count. */
static __noinline int deliver_failure(struct sock_event *e)
{
	u32 kind = e->head.kind;
	struct kind_counts *counts = bpf_map_lookup_elem(&pt_counts, &kind);
	struct fail_counts *fails = fail_slot(e);
	bool filtered = e->flags & FLAG_FILTERED;

	if (!counts)
		return 0;
	add(counts->seen, 1);
	if (!filtered && (!fails || fails->sent < FAILURES_IN_DETAIL) &&
	    !bpf_ringbuf_output(&pt_failures, e, sizeof(*e), BPF_RB_NO_WAKEUP)) {
		add(counts->delivered, 1);
		if (fails)
			add(fails->sent, 1);
		return 0;
	}
	if (!fails) {
		add(counts->lost, 1);
		return 0;
	}
	fails->last = e->head.ts;
	add(fails->folded, 1);
	if (e->flags & FLAG_UNANSWERED)
		add(fails->left_syn_sent, 1);
	if (filtered)
		add(counts->filtered, 1);
	else
		add(counts->folded, 1);
	return 0;
}

/* Counts what could not even be looked at, for lack of room in a map. */
static __always_inline void count_lost(u32 kind)
{
	struct kind_counts *counts = bpf_map_lookup_elem(&pt_counts, &kind);

	if (counts) {
		add(counts->seen, 1);
		add(counts->lost, 1);
	}
}

#endif /* __PORTTRACE_DELIVER_BPF_H */
