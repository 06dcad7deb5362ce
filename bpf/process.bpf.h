/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The facts about the current process that user space needs, in one record. */
#ifndef __PORTTRACE_PROCESS_BPF_H
#define __PORTTRACE_PROCESS_BPF_H

#include "core.bpf.h"
#include "event.h"
#include "maps.bpf.h"
#include "options.bpf.h"

#define MAX_PATH_PARTS 24
#define MAX_PID_LEVELS 8
#define MAX_HIERARCHIES 16

static __always_inline struct task_struct *current_leader(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	return BPF_CORE_READ(task, group_leader);
}

/* Returns the pid in porttrace's own pid namespace, or the host's if it has none there. */
static __always_inline u32 pid_of(struct task_struct *leader)
{
	struct pid *pid;
	u32 top;

	if (!opt_pidns)
		return BPF_CORE_READ(leader, tgid);
	pid = BPF_CORE_READ(leader, thread_pid);
	top = BPF_CORE_READ(pid, level);
	for (u32 level = 0; level < MAX_PID_LEVELS; level++) {
		struct upid id = {};

		if (level > top)
			break;
		bpf_core_read(&id, sizeof(id), &pid->numbers[level]);
		if (BPF_CORE_READ(id.ns, ns.inum) == opt_pidns)
			return id.nr;
	}
	return BPF_CORE_READ(leader, tgid);
}

/* The caller must have checked the bound. The verifier of 5.10 forgets it when the register
 * is spilled: the mask, behind a barrier, proves it again. */
static __always_inline long append_name(char *to, u64 at, u64 mask, const void *name)
{
	barrier_var(at);
	return bpf_probe_read_kernel_str(to + (at & mask), NAME_MAX_READ, name);
}

/* Writes the names from the file up to the root of the process, each with its NUL. At the
 * root of a mount it continues at the mount point.
 *
 * Here and below the length is kept in the event, whose contents the verifier does not
 * track: otherwise it would follow each possible length through all iterations of the
 * loop, and on 5.10 loading would take seconds. */
static __always_inline void read_exe(struct task_struct *leader, struct process_event *e)
{
	struct file *file = BPF_CORE_READ(leader, mm, exe_file);
	struct dentry *dentry = BPF_CORE_READ(file, f_path.dentry);
	struct vfsmount *vfs = BPF_CORE_READ(file, f_path.mnt);
	struct dentry *root = BPF_CORE_READ(leader, fs, root.dentry);
	struct vfsmount *root_vfs = BPF_CORE_READ(leader, fs, root.mnt);

	if (!file)
		return;
	for (int i = 0; i < MAX_PATH_PARTS; i++) {
		struct mount *mnt = (void *)vfs - bpf_core_field_offset(struct mount, mnt);
		struct dentry *parent = BPF_CORE_READ(dentry, d_parent);
		u64 len = e->exe_len;
		long n;

		if (dentry == root && vfs == root_vfs)
			break;
		if (dentry == BPF_CORE_READ(vfs, mnt_root) || dentry == parent) {
			struct mount *up = BPF_CORE_READ(mnt, mnt_parent);

			if (up == mnt)
				break;
			dentry = BPF_CORE_READ(mnt, mnt_mountpoint);
			vfs = (void *)up + bpf_core_field_offset(struct mount, mnt);
			continue;
		}
		if (len >= EXE_LEN - NAME_MAX_READ)
			break;
		n = append_name(e->exe, len, EXE_LEN - NAME_MAX_READ - 1,
				BPF_CORE_READ(dentry, d_name.name));
		if (n < 0)
			break;
		e->exe_len = len + n;
		dentry = parent;
	}
}

/* Returns the cgroup that names the process best. A host with hierarchies of version 1 can
 * have a container in those alone: then it is at the root of the unified one, or in the
 * cgroup of the daemon that started it. Of these a named one, systemd's, is preferred. A host
 * without has one link only, to the unified hierarchy. */
static __always_inline struct kernfs_node *cgroup_of(struct task_struct *leader)
{
	struct css_set *set = BPF_CORE_READ(leader, cgroups);
	struct kernfs_node *best = BPF_CORE_READ(set, dfl_cgrp, kn);
	struct list_head *end = (void *)set + bpf_core_field_offset(struct css_set, cgrp_links);
	struct list_head *at = BPF_CORE_READ(end, next);
	bool root = !kernfs_parent(best);

	for (int i = 0; i < MAX_HIERARCHIES && at && at != end; i++) {
		struct cgrp_cset_link *link =
			(void *)at - bpf_core_field_offset(struct cgrp_cset_link, cgrp_link);
		struct cgroup *cgroup = BPF_CORE_READ(link, cgrp);
		struct kernfs_node *kn = BPF_CORE_READ(cgroup, kn);
		struct cgroup_root *hierarchy;
		char named = 0;

		at = BPF_CORE_READ(at, next);
		if (!kernfs_parent(kn))
			continue;
		hierarchy = BPF_CORE_READ(cgroup, root);
		bpf_core_read(&named, sizeof(named), &hierarchy->name);
		if (named)
			return kn;
		if (root) {
			best = kn;
			root = false;
		}
	}
	return best;
}

static __always_inline void read_cgroup(struct task_struct *leader, struct process_event *e)
{
	struct kernfs_node *kn = cgroup_of(leader);

	for (int i = 0; i < MAX_PATH_PARTS; i++) {
		struct kernfs_node *parent = kernfs_parent(kn);
		u64 len = e->cgroup_len;
		long n;

		if (!parent || len >= CGROUP_LEN - NAME_MAX_READ)
			break;
		n = append_name(e->cgroup, len, CGROUP_LEN - NAME_MAX_READ - 1,
				BPF_CORE_READ(kn, name));
		if (n < 0)
			break;
		e->cgroup_len = len + n;
		kn = parent;
	}
}

/* Copies the arguments of the current process. A page that is not in memory cannot be read
 * here: then user space tries it. */
static __always_inline void read_args(struct process_event *e)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	u64 begin = BPF_CORE_READ(task, mm, arg_start);
	u64 len = BPF_CORE_READ(task, mm, arg_end) - begin;

	if (!begin || !len)
		return;
	if (len > ARGS_LEN - 1) {
		len = ARGS_LEN - 1;
		e->args_cut = 1;
	}
	barrier_var(len);
	len &= ARGS_LEN - 1;
	if (bpf_probe_read_user(e->args, len, (void *)begin) == 0)
		e->args_len = len;
}

/* Keeps the name of a process whose facts did not fit into the ring. */
static __always_inline void keep_unsent(struct task_struct *leader, u64 start, u32 pid)
{
	struct unsent_proc proc = {
		.start = start,
		.ppid = pid_of(BPF_CORE_READ(leader, real_parent, group_leader)),
		.uid = BPF_CORE_READ(leader, cred, uid.val),
	};

	BPF_CORE_READ_STR_INTO(&proc.comm, leader, comm);
	bpf_map_update_elem(&pt_unsent, &pid, &proc, BPF_ANY);
}

/* Sends the facts of the current process. Returns 0 if there was room. A global function is
 * verified once and not at each call, which matters on 5.10, where the loops take long. It can
 * only take numbers. */
__noinline int send_process(u64 start, u32 pid)
{
	struct task_struct *leader = current_leader();
	struct process_event *e;

	e = bpf_ringbuf_reserve(&pt_failures, sizeof(*e), 0);
	if (!e) {
		keep_unsent(leader, start, pid);
		return -1;
	}
	__builtin_memset(e, 0, offsetof(struct process_event, exe));
	e->head.ts = bpf_ktime_get_ns();
	e->head.start = start;
	e->head.pid = pid;
	e->head.kind = KIND_PROCESS;
	e->ppid = pid_of(BPF_CORE_READ(leader, real_parent, group_leader));
	e->uid = BPF_CORE_READ(leader, cred, uid.val);
	e->kernel_thread = !!(BPF_CORE_READ(leader, flags) & PF_KTHREAD);
	BPF_CORE_READ_STR_INTO(&e->comm, leader, comm);
	read_exe(leader, e);
	read_cgroup(leader, e);
	read_args(e);
	bpf_ringbuf_submit(e, BPF_RB_NO_WAKEUP);
	bpf_map_delete_elem(&pt_unsent, &pid);
	return 0;
}

#endif /* __PORTTRACE_PROCESS_BPF_H */
