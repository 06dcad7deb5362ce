// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * All programs of porttrace. User space loads those that the running kernel accepts:
 * each signal has a ladder of hooks (internal/probe/ladder.go).
 *
 *   state changes --> conns by sk --+
 *   port search, bind, fork --------+--> deliver.h --> rings, or counts --> user space
 *   all sockets, on demand -------------> census.h --> iterators --------------^
 */
#include "../vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "autobind.bpf.h"
#include "bind.bpf.h"
#include "call.bpf.h"
#include "census.bpf.h"
#include "cgroup.bpf.h"
#include "connect.bpf.h"
#include "connect_error.bpf.h"
#include "event.h"
#include "owner.bpf.h"
#include "skipped.bpf.h"
#include "sockaddr.bpf.h"
#include "state.bpf.h"
#include "syscall.bpf.h"

/* No map refers to these types: the variables put them into the BTF that bpf2go reads. */
const struct sock_event *unused_sock_event __attribute__((unused));
const struct conn_event *unused_conn_event __attribute__((unused));
const struct process_event *unused_process_event __attribute__((unused));
const struct census_socket *unused_census_socket __attribute__((unused));
const struct census_holder *unused_census_holder __attribute__((unused));
const enum event_kind *unused_kind __attribute__((unused));
const enum event_direction *unused_direction __attribute__((unused));
const enum event_op *unused_op __attribute__((unused));
const enum event_reason *unused_reason __attribute__((unused));
const enum event_closed_by *unused_closed_by __attribute__((unused));
const enum event_flag *unused_flag __attribute__((unused));

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(pt_set_state, struct sock *sk, int oldstate, int newstate)
{
	if (opt_never) /* for the place of its stack, see skipped.bpf.h */
		bpf_tail_call(ctx, &pt_programs, 0);
	note_run(sk, newstate);
	return state_changed(sk, oldstate, newstate);
}

/* Attached when runs of pt_set_state are skipped, see internal/probe/skipped.go. */
SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(pt_skipped, struct sock *sk, int oldstate, int newstate)
{
	if (was_skipped(sk, newstate))
		bpf_tail_call(ctx, &pt_programs, 0);
	return 0;
}

SEC("tp_btf/tcp_retransmit_skb")
int BPF_PROG(pt_retransmit, struct sock *sk)
{
	return syn_retransmitted(sk);
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(pt_fork, struct task_struct *parent, struct task_struct *child)
{
	return follow_fork(parent, child);
}

SEC("fexit/inet_hash_connect")
int BPF_PROG(pt_hash_fexit, void *death_row, struct sock *sk, int ret)
{
	return port_searched(sk, ret);
}

SEC("fexit/inet6_hash_connect")
int BPF_PROG(pt_hash6_fexit, void *death_row, struct sock *sk, int ret)
{
	return port_searched(sk, ret);
}

SEC("kprobe/inet_hash_connect")
int BPF_KPROBE(pt_hash_kprobe, void *death_row, struct sock *sk)
{
	return keep_call(CALLED_SEARCH, sk, NULL);
}

SEC("kretprobe/inet_hash_connect")
int BPF_KRETPROBE(pt_hash_kret, int ret)
{
	return port_searched_kret(take_call(CALLED_SEARCH).sk, ret);
}

SEC("kprobe/inet6_hash_connect")
int BPF_KPROBE(pt_hash6_kprobe, void *death_row, struct sock *sk)
{
	return keep_call(CALLED_SEARCH, sk, NULL);
}

SEC("kretprobe/inet6_hash_connect")
int BPF_KRETPROBE(pt_hash6_kret, int ret)
{
	return port_searched_kret(take_call(CALLED_SEARCH).sk, ret);
}

SEC("fexit/__inet_bind")
int BPF_PROG(pt_bind_fexit, struct sock *sk, void *uaddr, int len, u32 flags, int ret)
{
	return bind_returned(sk, in_kernel(uaddr), ret);
}

SEC("fexit/__inet6_bind")
int BPF_PROG(pt_bind6_fexit, struct sock *sk, void *uaddr, int len, u32 flags, int ret)
{
	return bind_returned(sk, in_kernel(uaddr), ret);
}

SEC("kprobe/__inet_bind")
int BPF_KPROBE(pt_bind_kprobe, struct sock *sk, void *uaddr)
{
	return keep_call(CALLED_BIND, sk, uaddr);
}

SEC("kretprobe/__inet_bind")
int BPF_KRETPROBE(pt_bind_kret, int ret)
{
	struct call call = take_call(CALLED_BIND);

	return call.sk ? bind_returned((void *)call.sk, in_kernel((void *)call.uaddr), ret) : 0;
}

SEC("kprobe/__inet6_bind")
int BPF_KPROBE(pt_bind6_kprobe, struct sock *sk, void *uaddr)
{
	return keep_call(CALLED_BIND, sk, uaddr);
}

SEC("kretprobe/__inet6_bind")
int BPF_KRETPROBE(pt_bind6_kret, int ret)
{
	struct call call = take_call(CALLED_BIND);

	return call.sk ? bind_returned((void *)call.sk, in_kernel((void *)call.uaddr), ret) : 0;
}

SEC("fexit/inet_autobind")
int BPF_PROG(pt_autobind_fexit, struct sock *sk, int ret)
{
	return autobind_returned(sk, ret);
}

SEC("kprobe/inet_autobind")
int BPF_KPROBE(pt_autobind_kprobe, struct sock *sk)
{
	return keep_call(CALLED_AUTOBIND, sk, NULL);
}

SEC("kretprobe/inet_autobind")
int BPF_KRETPROBE(pt_autobind_kret, int ret)
{
	struct call call = take_call(CALLED_AUTOBIND);

	return call.sk ? autobind_returned((struct sock *)call.sk, ret) : 0;
}

SEC("fexit/tcp_v4_connect")
int BPF_PROG(pt_conn_fexit, struct sock *sk, void *uaddr, int len, int ret)
{
	if (!ret)
		syn_sent(sk);
	return v4_connect_returned(sk, uaddr, ret);
}

SEC("fexit/tcp_v6_connect")
int BPF_PROG(pt_conn6_fexit, struct sock *sk, void *uaddr, int len, int ret)
{
	if (!ret)
		syn_sent(sk);
	return connect_returned(sk, in_kernel(uaddr), ret);
}

SEC("kprobe/tcp_v4_connect")
int BPF_KPROBE(pt_conn_kprobe, struct sock *sk, void *uaddr)
{
	return keep_call(CALLED_CONNECT4, sk, uaddr);
}

SEC("kretprobe/tcp_v4_connect")
int BPF_KRETPROBE(pt_conn_kret, int ret)
{
	struct call call = take_call(CALLED_CONNECT4);

	return call.sk ? v4_connect_returned((struct sock *)call.sk, (void *)call.uaddr, ret) : 0;
}

SEC("kprobe/tcp_v6_connect")
int BPF_KPROBE(pt_conn6_kprobe, struct sock *sk, void *uaddr)
{
	return keep_call(CALLED_CONNECT6, sk, uaddr);
}

SEC("kretprobe/tcp_v6_connect")
int BPF_KRETPROBE(pt_conn6_kret, int ret)
{
	struct call call = take_call(CALLED_CONNECT6);

	return call.sk ? connect_returned((struct sock *)call.sk, in_kernel((void *)call.uaddr),
					  ret)
		       : 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(pt_sys_exit, struct pt_regs *regs, long ret)
{
	return syscall_returned(regs, ret);
}

SEC("cgroup/bind4")
int pt_bind4(struct bpf_sock_addr *ctx)
{
	return bind_started(ctx, false);
}

SEC("cgroup/bind6")
int pt_bind6(struct bpf_sock_addr *ctx)
{
	return bind_started(ctx, true);
}

SEC("cgroup/post_bind4")
int pt_post_bind4(struct bpf_sock *ctx)
{
	return bind_succeeded(ctx);
}

SEC("cgroup/post_bind6")
int pt_post_bind6(struct bpf_sock *ctx)
{
	return bind_succeeded(ctx);
}

/* Attached to nothing: user space runs it, with the address of a struct net that
 * bind_started() has sent. Its memory may have been freed since. */
SEC("raw_tp")
int pt_addresses(struct bpf_raw_tracepoint_args *ctx)
{
	return address_generation((struct net *)ctx->args[0]);
}

SEC("iter/tcp")
int pt_sockets(struct bpf_iter__tcp *ctx)
{
	return emit_socket(ctx->meta->seq, ctx->sk_common);
}

SEC("iter/task_file")
int pt_holders(struct bpf_iter__task_file *ctx)
{
	return emit_tcp_holder(ctx->meta->seq, ctx->task, ctx->file);
}

SEC("iter/udp")
int pt_udp_sockets(struct bpf_iter__udp *ctx)
{
	return emit_udp_socket(ctx->meta->seq, ctx->udp_sk);
}

SEC("iter/task_file")
int pt_udp_holders(struct bpf_iter__task_file *ctx)
{
	return emit_udp_holder(ctx->meta->seq, ctx->task, ctx->file);
}

SEC("iter/task")
int pt_namespaces(struct bpf_iter__task *ctx)
{
	return emit_netns(ctx->meta, ctx->task);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
