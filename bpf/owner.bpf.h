/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The current process. It is the caller of connect() in process context only, so it is read
 * there and kept with the socket: when a connection closes, "current" can be any process that
 * the softirq interrupted.
 */
#ifndef __PORTTRACE_OWNER_BPF_H
#define __PORTTRACE_OWNER_BPF_H

#include "process.bpf.h"

#define NS_PER_TICK 10000000ULL /* USER_HZ is 100 */

struct owner {
	u64 start;
	u32 pid;
	bool filtered;
};

/* The leader of the current task, and what is read of it at each call. */
struct caller {
	struct task_struct *leader;
	u64 start;
	u64 exec_id; /* changes with execve(): a process can change its program */
};

/* Reads the caller. tracing: the program's type has bpf_get_current_task_btf(), since 3ca1032ab7ab
 * ("bpf: Implement get_current_task_btf and RET_PTR_TO_BTF_ID", 5.11), whose fields are read
 * directly: that costs a tenth of a helper call for each. */
static __always_inline struct caller read_caller(bool tracing)
{
	struct task_struct *leader;

	if (tracing &&
	    bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_get_current_task_btf)) {
		leader = bpf_get_current_task_btf()->group_leader;
		return (struct caller){ leader, leader->start_boottime, leader->self_exec_id };
	}
	leader = current_leader();
	return (struct caller){
		leader,
		BPF_CORE_READ(leader, start_boottime),
		BPF_CORE_READ(leader, self_exec_id),
	};
}

/* Sends the facts of a process the first time that it uses a port, and again after
 * execve(). If they did not fit into the ring, the next call tries again. */
static __always_inline void report_process_once(struct caller *caller, u32 pid)
{
	struct known_proc *known = bpf_map_lookup_elem(&pt_procs, &pid), proc;

	if (known && known->start == caller->start && known->exec_id == caller->exec_id)
		return;
	proc.start = caller->start;
	proc.exec_id = caller->exec_id;
	if (send_process(proc.start, pid) == 0)
		bpf_map_update_elem(&pt_procs, &pid, &proc, BPF_ANY);
}

static __always_inline bool selected(struct owner *owner)
{
	u64 *start;

	if (!opt_select)
		return true;
	start = bpf_map_lookup_elem(&pt_targets, &owner->pid);
	return start && *start == owner->start / NS_PER_TICK;
}

static __always_inline bool is_porttrace(struct owner *owner)
{
	return owner->pid == opt_self && owner->start / NS_PER_TICK == opt_self_start;
}

static __always_inline struct owner owner_of(struct caller *caller)
{
	struct owner owner = {
		.start = caller->start,
		.pid = opt_pidns ? pid_of(caller->leader) : bpf_get_current_pid_tgid() >> 32,
	};

	report_process_once(caller, owner.pid);
	owner.filtered = !selected(&owner);
	return owner;
}

/* Only for programs that are attached to a tracepoint or a function. */
static __always_inline struct owner current_owner(void)
{
	struct caller caller = read_caller(true);

	return owner_of(&caller);
}

/* For programs of any type. */
static __always_inline struct owner calling_owner(void)
{
	struct caller caller = read_caller(false);

	return owner_of(&caller);
}

/* Selects the child of a selected process, too (--children). */
static __always_inline int follow_fork(struct task_struct *parent, struct task_struct *child)
{
	struct task_struct *leader = BPF_CORE_READ(parent, group_leader);
	struct owner from = {
		.pid = pid_of(leader),
		.start = BPF_CORE_READ(leader, start_boottime),
	};
	u64 start = BPF_CORE_READ(child, start_boottime) / NS_PER_TICK;
	u32 pid = pid_of(child);

	if (BPF_CORE_READ(child, pid) == BPF_CORE_READ(child, tgid) && selected(&from))
		bpf_map_update_elem(&pt_targets, &pid, &start, BPF_ANY);
	return 0;
}

#endif /* __PORTTRACE_OWNER_BPF_H */
