/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Set before loading; the verifier removes the code that they switch off. */
#ifndef __PORTTRACE_OPTIONS_BPF_H
#define __PORTTRACE_OPTIONS_BPF_H

#include "../vmlinux.h"

const volatile bool opt_cookie = false;	  /* tracing may call bpf_get_socket_cookie() */
const volatile bool opt_never = false;	  /* stays false */
const volatile bool opt_select = false;	  /* only pt_targets in detail */
const volatile bool opt_calls = false;	  /* connect() results are traced, too */
const volatile __u32 opt_pidns = 0;	  /* inode of our pid namespace, 0: the host's */
const volatile __u32 opt_self = 0;	  /* pid of porttrace, in that namespace */
const volatile __u64 opt_self_start = 0;  /* when it started, in clock ticks */
const volatile __u32 opt_kept_conns = 0;  /* with more entries, free ones are deleted */
const volatile __u64 opt_tick_ns = 0;	  /* ns in a jiffy */
const volatile __u32 opt_wheel_shift = 0; /* of the timer wheel's level for a 60 s timer */

#endif /* __PORTTRACE_OPTIONS_BPF_H */
