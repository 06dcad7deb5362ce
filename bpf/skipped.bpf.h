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
 * pt_set_state notes its last run on each processor, apart for changes that a softirq can interrupt and
 * for those made in one, and pt_skipped takes the note away. If there is none, the run was skipped, or
 * the note of another task has replaced it, which can come between since 7.0 and on PREEMPT_RT. Then the
 * state that is kept with the socket decides: handling a change twice would count it twice.
 *
 * Since a76ab5731e32 ("bpf: Find eligible subprogs for private stack support", 6.13 on x86-64, later on
 * arm64) a tracing program has one stack per processor, as no run of it interrupts another. Here one does,
 * and would overwrite that. A program with a tail call, if only in code that is never reached, has its
 * stack on that of the kernel.
 */
#ifndef __PORTTRACE_SKIPPED_BPF_H
#define __PORTTRACE_SKIPPED_BPF_H

#include "conn.bpf.h"
#include "core.bpf.h"
#include "maps.bpf.h"

static __always_inline struct state_runs *state_runs(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&pt_state_runs, &zero);
}

static __always_inline struct change *last_run(struct state_runs *runs, struct sock *sk)
{
	return owned_by_call(sk) ? &runs->call : &runs->softirq;
}

static __always_inline void set_change(struct change *change, struct sock *sk, int state)
{
	change->sk = (u64)sk;
	change->state = state;
}

/* Clears the change and returns true if it is this one. */
static __always_inline bool take_change(struct change *change, struct sock *sk, int state)
{
	if (change->sk != (u64)sk || change->state != state)
		return false;
	change->sk = 0;
	return true;
}

/* Notes that pt_set_state runs for this change. */
static __always_inline void note_run(struct sock *sk, int state)
{
	struct state_runs *runs = state_runs();

	if (runs && !take_change(&runs->again, sk, state))
		set_change(last_run(runs, sk), sk, state);
}

/* Reports whether pt_set_state has run for this change, by what it keeps with the socket. A closed
 * one can have no entry any more. */
static __always_inline bool is_handled(struct sock *sk, int state)
{
	struct conn *conn = conn_at(sk);

	if (!conn || conn->cookie != sk->__sk_common.skc_cookie.counter)
		return state == TCP_CLOSE;
	return conn->state == state;
}

/* Reports whether the run of pt_set_state for this change was skipped, and counts it then. */
static __always_inline bool was_skipped(struct sock *sk, int state)
{
	struct state_runs *runs = state_runs();

	if (!runs || take_change(last_run(runs, sk), sk, state) || is_handled(sk, state))
		return false;
	set_change(&runs->again, sk, state);
	runs->caught++;
	return true;
}

#endif /* __PORTTRACE_SKIPPED_BPF_H */
