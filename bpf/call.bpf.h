/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The arguments of a kernel function, kept from its kprobe until its kretprobe, which
 * does not get them.
 */
#ifndef __PORTTRACE_CALL_BPF_H
#define __PORTTRACE_CALL_BPF_H

#include "core.bpf.h"
#include "maps.bpf.h"

static __always_inline int keep_call(enum called called, void *sk, void *uaddr)
{
	struct call_key key = { .thread = bpf_get_current_pid_tgid(), .called = called };
	struct call call = { .sk = (u64)sk, .uaddr = (u64)uaddr };

	bpf_map_update_elem(&pt_calls, &key, &call, BPF_ANY);
	return 0;
}

static __always_inline struct call take_call(enum called called)
{
	struct call_key key = { .thread = bpf_get_current_pid_tgid(), .called = called };
	struct call *kept = bpf_map_lookup_elem(&pt_calls, &key), call = {};

	if (!kept)
		return call;
	call = *kept;
	bpf_map_delete_elem(&pt_calls, &key);
	return call;
}

#endif /* __PORTTRACE_CALL_BPF_H */
