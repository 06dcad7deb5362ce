/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * How an event reaches user space: by a ring, or folded into a count. Events that are not
 * selected and events for which the ring has no room take the same path, so that totals
 * are exact with any filter and under any load; only details are lost.
 */
#ifndef __PORTTRACE_DELIVER_BPF_H
#define __PORTTRACE_DELIVER_BPF_H

#include "conn_event.bpf.h"
#include "core.bpf.h"
#include "event.h"
#include "maps.bpf.h"

#define FAILURES_IN_DETAIL 64 /* of one struct fail_key, until the maps are swapped */

/* Returns nothing: atomic operations that fetch came with 5.12. */
#define atomic_add(counter, n) ((void)__sync_fetch_and_add(&(counter), n))

/* Not on the stack, which has 512 bytes. */
static const struct fold_counts no_folds;
static const struct fail_counts no_fails;

static __always_inline struct fold_counts *fold_slot_of(void *outer, struct fold_key *key, u64 now)
{
	struct fold_counts *counts;
	void *folds;
	u32 zero = 0;

	folds = bpf_map_lookup_elem(outer, &zero);
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

static __always_inline struct fold_key fold_key_of(const struct sock_event *e)
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

	__builtin_memcpy(key.addr, local_end ? e->saddr : e->daddr, sizeof(key.addr));
	return key;
}

/* Returns where to count: if there is no room for the endpoint, with the owner alone. NULL: there
 * is no room in any map. Not inlined: its key would be on the stack of deliver(), of which there are
 * 512 bytes with all callers. */
static __noinline struct fold_counts *fold_slot(const struct sock_event *e)
{
	struct fold_key key = fold_key_of(e);
	struct fold_counts *counts = fold_slot_of(&pt_folds, &key, e->head.ts);

	if (counts)
		return counts;
	key.port = 0;
	__builtin_memset(key.addr, 0, sizeof(key.addr));
	return fold_slot_of(&pt_owner_folds, &key, e->head.ts);
}

static __always_inline void count_close(struct fold_counts *counts, const struct sock_event *e)
{
	atomic_add(counts->closes, 1);
	atomic_add(counts->lifetimes, e->duration);
	if (e->flags & (FLAG_TIME_WAIT | FLAG_FIN_WAIT2))
		atomic_add(counts->time_wait, 1);
	if (e->flags & FLAG_IN_CLOSE_WAIT)
		atomic_add(counts->leave_close_wait, 1);
	if (e->flags & FLAG_UNANSWERED)
		atomic_add(counts->leave_syn_sent, 1);
	if (e->closed_by == CLOSED_BY_RESET_LOCAL)
		atomic_add(counts->resets, 1);
}

static __noinline void count(struct fold_counts *counts, const struct sock_event *e)
{
	if (!counts || !e)
		return;
	counts->last = e->head.ts;
	switch (e->head.kind) {
	case KIND_OPEN:
		atomic_add(counts->opens, 1);
		if (e->flags & FLAG_EARLY_BIND)
			atomic_add(counts->early_binds, 1);
		break;
	case KIND_CLOSE:
		count_close(counts, e);
		break;
	case KIND_BIND:
		atomic_add(counts->binds, 1);
		break;
	case KIND_CLOSE_WAIT:
		atomic_add(counts->enter_close_wait, 1);
		break;
	case KIND_SYN_UNANSWERED:
		atomic_add(counts->enter_syn_sent, 1);
		break;
	case KIND_SYN_ANSWERED:
		atomic_add(counts->leave_syn_sent, 1);
		break;
	}
}

/* Counts the event in a map. Returns false if there is no room in any. */
static __always_inline bool fold(const struct sock_event *e)
{
	struct fold_counts *counts = fold_slot(e);

	if (counts)
		count(counts, e);
	return counts;
}

static __always_inline long send_conn_event(const struct sock_event *e)
{
	struct conn_event *record = bpf_ringbuf_reserve(&pt_events, sizeof(*record), 0);

	if (!record)
		return -1;
	copy_conn_event(record, e);
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
	return 0;
}

/* Returns 0 if the event was sent. LISTEN and its end are sent once and later events need them,
 * so they go to the ring that opens cannot fill. */
static __always_inline long send_to_ring(struct sock_event *e)
{
	if (e->head.kind == KIND_LISTEN || e->head.kind == KIND_LISTEN_END)
		return bpf_ringbuf_output(&pt_failures, e, sizeof(*e), BPF_RB_NO_WAKEUP);
	if (fits_conn_event(e))
		return send_conn_event(e);
	return bpf_ringbuf_output(&pt_events, e, sizeof(*e), BPF_RB_NO_WAKEUP);
}

static __noinline int deliver(struct sock_event *e)
{
	u32 kind = e->head.kind;
	struct kind_counts *counts = bpf_map_lookup_elem(&pt_counts, &kind);

	if (!counts)
		return 0;
	atomic_add(counts->seen, 1);
	if (!(e->flags & FLAG_FILTERED) && !send_to_ring(e)) {
		atomic_add(counts->delivered, 1);
	} else if (!fold(e)) {
		atomic_add(counts->lost, 1);
	} else if (e->flags & FLAG_FILTERED) {
		atomic_add(counts->filtered, 1);
	} else {
		atomic_add(counts->folded, 1);
	}
	return 0;
}

static __always_inline struct fail_counts *fail_slot_of(void *outer, struct fail_key *key, u64 now)
{
	struct fail_counts *counts;
	void *fails;
	u32 zero = 0;

	fails = bpf_map_lookup_elem(outer, &zero);
	if (!fails)
		return NULL;
	counts = bpf_map_lookup_elem(fails, key);
	if (counts)
		return counts;
	bpf_map_update_elem(fails, key, &no_fails, BPF_NOEXIST);
	counts = bpf_map_lookup_elem(fails, key);
	if (counts && !counts->first)
		counts->first = now;
	return counts;
}

/* As fold_slot(). */
static __always_inline struct fail_counts *fail_slot(struct sock_event *e)
{
	bool bind = e->op != OP_CONNECT;
	struct fail_key key = {
		.start = e->head.start,
		.pid = e->head.pid,
		.netns = e->netns,
		.flags = e->flags & (FLAG_HAS_PORT | FLAG_ERRNO_INFERRED | FLAG_UNANSWERED),
		.port = bind ? e->sport : e->dport,
		.err = e->err,
		.op = e->op,
		.reason = e->reason,
		.proto = e->proto,
		.filtered = !!(e->flags & FLAG_FILTERED),
	};
	struct fail_counts *counts;

	__builtin_memcpy(key.addr, bind ? e->saddr : e->daddr, sizeof(key.addr));
	counts = fail_slot_of(&pt_fails, &key, e->head.ts);
	if (counts)
		return counts;
	key.port = 0;
	__builtin_memset(key.addr, 0, sizeof(key.addr));
	return fail_slot_of(&pt_owner_fails, &key, e->head.ts);
}

/* Returns 0 if the failure was sent. Those beyond the first of a key go to the ring of opens, so that
 * they cannot fill the other one. */
static __always_inline long send_failure(struct sock_event *e, bool first)
{
	if (first)
		return bpf_ringbuf_output(&pt_failures, e, sizeof(*e), BPF_RB_NO_WAKEUP);
	return bpf_ringbuf_output(&pt_events, e, sizeof(*e), BPF_RB_NO_WAKEUP);
}

/* Sends the first failures of a key one by one, and those that end an OPEN that was sent: else it
 * would be taken for a connection until a scan. Folds the others. */
static __noinline int deliver_failure(struct sock_event *e, bool ends_sent_open)
{
	u32 kind = e->head.kind;
	struct kind_counts *counts = bpf_map_lookup_elem(&pt_counts, &kind);
	struct fail_counts *fails = fail_slot(e);
	bool first = !fails || fails->sent < FAILURES_IN_DETAIL;
	bool filtered = e->flags & FLAG_FILTERED;

	if (!counts)
		return 0;
	atomic_add(counts->seen, 1);
	if (!filtered && (first || ends_sent_open) && !send_failure(e, first)) {
		atomic_add(counts->delivered, 1);
		if (fails)
			atomic_add(fails->sent, 1);
		return 0;
	}
	if (!fails) {
		atomic_add(counts->lost, 1);
		return 0;
	}
	fails->last = e->head.ts;
	atomic_add(fails->folded, 1);
	if (filtered)
		atomic_add(counts->filtered, 1);
	else if (first || ends_sent_open)
		atomic_add(counts->folded, 1); /* the ring has no room */
	else
		atomic_add(counts->limited, 1);
	return 0;
}

/* Counts an event that could not be made, for lack of room in a map. */
static __always_inline void count_lost(u32 kind)
{
	struct kind_counts *counts = bpf_map_lookup_elem(&pt_counts, &kind);

	if (counts) {
		atomic_add(counts->seen, 1);
		atomic_add(counts->lost, 1);
	}
}

#endif /* __PORTTRACE_DELIVER_BPF_H */
