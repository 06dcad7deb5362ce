/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Runs of pt_set_state that the kernel skips, and how a second program makes up for them.
 *
 * Since 6.1 (05b24ff9b2cf) the kernel skips a run of a program that would interrupt another run of it
 * on the same CPU. A packet interrupts pt_set_state in a system call, and what its softirq processes,
 * up to hundreds of packets, would be missed. pt_skipped is called for each change, too, after
 * pt_set_state, and calls it for those of which it has not run: nothing is skipped in a tail call.
 * Interrupts cannot be held off in place of that: they come when they are allowed again, and the run
 * that allowed them has not ended.
 *
 * Both programs of a change have their arguments at the same place of the stack, which no change that
 * interrupts it has: that is how pt_skipped finds out. What is kept nests as changes do: one that was
 * interrupted, and one within it. When pt_skipped is attached there can be some that it was never called
 * for, so it begins by dropping what it finds.
 */
#ifndef __PORTTRACE_SKIPPED_BPF_H
#define __PORTTRACE_SKIPPED_BPF_H

#include "core.bpf.h"
#include "maps.bpf.h"

static __always_inline struct state_runs *state_runs(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&pt_state_runs, &zero);
}

/* Notes that pt_set_state runs for the change with these arguments. */
static __always_inline void note_run(void *args)
{
	struct state_runs *runs = state_runs();

	if (!runs)
		return;
	if (runs->again == (u64)args)
		runs->again = 0;
	else if (!runs->outer || runs->outer == (u64)args)
		runs->outer = (u64)args;
	else
		runs->inner = (u64)args;
}

/* Reports whether the run of pt_set_state for this change was skipped, and counts it then. */
static __always_inline bool was_skipped(void *args)
{
	struct state_runs *runs = state_runs();
	u32 zero = 0, *catching = bpf_map_lookup_elem(&pt_catching, &zero);

	if (!runs || !catching)
		return false;
	if (!*catching) {
		runs->outer = 0;
		runs->inner = 0;
		return false;
	}
	if (runs->outer == (u64)args) {
		runs->outer = 0;
		runs->inner = 0;
		return false;
	}
	if (runs->inner == (u64)args) {
		runs->inner = 0;
		return false;
	}
	runs->again = (u64)args;
	runs->caught++;
	return true;
}

#endif /* __PORTTRACE_SKIPPED_BPF_H */
