/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * All TCP sockets, the UDP sockets that have a port, the processes that hold them, and the settings
 * by which namespaces allocate ports. Iterators: they run when user space reads them and cost
 * nothing otherwise. The kernel repeats a record that did not fit at the next read.
 */
#ifndef __PORTTRACE_CENSUS_BPF_H
#define __PORTTRACE_CENSUS_BPF_H

#include "connect.bpf.h"
#include "core.bpf.h"
#include "options.bpf.h"
#include "owner.bpf.h"
#include "socket.bpf.h"

/* sk can be of any type that begins with a sock_common. */
static __always_inline void read_socket(struct sock_common *sk, struct census_socket *s)
{
	s->sk = (u64)sk;
	s->cookie = sk->skc_cookie.counter;
	s->netns = sk->skc_net.net->ns.inum;
	s->device = sk->skc_bound_dev_if;
	s->sport = sk->skc_num;
	s->dport = bpf_ntohs(sk->skc_dport);
	s->state = sk->skc_state;
	if (sk->skc_family == AF_INET6) {
		copy_v6(s->saddr, &sk->skc_v6_rcv_saddr);
		copy_v6(s->daddr, &sk->skc_v6_daddr);
		if (!is_v4mapped(s->daddr))
			return;
		s->flags |= FLAG_V4MAPPED;
	}
	map_v4(s->saddr, sk->skc_rcv_saddr);
	map_v4(s->daddr, sk->skc_daddr);
}

/*
 * Infers from the port's bind bucket whether connect() or bind() allocated the port. If
 * connect() did, both fields are -1 and other connects may share it; if bind() did, they
 * are 0 or more and no connect() may use it (__inet_hash_connect() and inet_csk_get_port()
 * of net/ipv4). So all sockets of a shared one called connect(). A TIME_WAIT bucket whose
 * port was reused has no bind bucket.
 */
static __always_inline void read_bind_bucket(struct inet_bind_bucket *tb, struct census_socket *s)
{
	if (!tb)
		return;
	if (tb->fastreuse >= 0 || tb->fastreuseport >= 0)
		s->flags |= FLAG_OWNED_BY_BIND;
	else
		s->direction = DIR_OUT;
}

static __always_inline void read_time_wait(struct tcp_timewait_sock *tw, struct census_socket *s)
{
	u64 due = tw->tw_sk.tw_timer.expires;

	if (tw->tw_sk.tw_substate == TCP_FIN_WAIT2) /* a shorter timer, with smaller steps */
		s->flags |= FLAG_FIN_WAIT2;
	else /* the wheel rounds up: calc_index(), kernel/time/timer.c */
		due = ((due >> opt_wheel_shift) + 1) << opt_wheel_shift;
	s->expiry = bpf_ktime_get_ns() + (s64)(due - bpf_jiffies64()) * opt_tick_ns;
	if (!tw->tw_ts_recent_stamp) /* tcp_twsk_unique() asks for it */
		s->flags |= FLAG_NO_TIMESTAMPS;
	read_bind_bucket(tw->tw_sk.tw_tb, s);
}

static __always_inline void read_full(struct tcp_sock *tp, struct census_socket *s)
{
	u32 range = socket_port_range(tp);

	s->low = range;
	s->high = range >> 16;
	read_bind_bucket(tp->inet_conn.icsk_bind_hash, s);
	if (s->state == TCP_SYN_SENT) {
		s->direction = DIR_OUT;
		syn_sent((struct sock *)tp);
	}
}

/* Skips connection requests (TCP_NEW_SYN_RECV): they hold no port. */
static __always_inline int emit_socket(struct seq_file *seq, struct sock_common *sk)
{
	struct census_socket s = {};
	struct tcp_timewait_sock *tw;
	struct tcp_sock *tp;

	if (!sk)
		return 0;
	read_socket(sk, &s);
	if (s.state == TCP_TIME_WAIT) {
		tw = bpf_skc_to_tcp_timewait_sock(sk);
		if (!tw)
			return 0;
		read_time_wait(tw, &s);
	} else {
		tp = bpf_skc_to_tcp_sock(sk);
		if (!tp)
			return 0;
		read_full(tp, &s);
	}
	bpf_seq_write(seq, &s, sizeof(s));
	return 0;
}

/* Returns the first TCP socket of an MPTCP socket: the only one of a listener, and the one
 * that bind() gives its port to. NULL if the kernel is built without MPTCP. */
static __always_inline struct sock *first_subflow(struct sock *sk)
{
	struct mptcp_sock *mptcp = (void *)sk;

	return bpf_core_field_exists(mptcp->first) ? BPF_CORE_READ(mptcp, first) : NULL;
}

/* Returns the IPv4 or IPv6 socket of a file, NULL if it is not one. */
static __always_inline struct sock *inet_of_file(struct file *file)
{
	struct socket *socket;
	struct sock *sk;
	u16 family;

	if ((file->f_inode->i_mode & S_IFMT) != S_IFSOCK)
		return NULL;
	socket = file->private_data;
	sk = BPF_CORE_READ(socket, sk);
	family = BPF_CORE_READ(sk, __sk_common.skc_family);
	return family == AF_INET || family == AF_INET6 ? sk : NULL;
}

/* Returns the TCP socket of a file, NULL if it is not one. */
static __always_inline struct sock *tcp_of_file(struct file *file)
{
	struct sock *sk = inet_of_file(file);

	switch (BPF_CORE_READ(sk, sk_protocol)) {
	case IPPROTO_TCP:
		return sk;
	case IPPROTO_MPTCP:
		return first_subflow(sk);
	}
	return NULL;
}

/* Returns the UDP socket of a file, NULL if it is not one. */
static __always_inline struct sock *udp_of_file(struct file *file)
{
	struct sock *sk = inet_of_file(file);

	return BPF_CORE_READ(sk, sk_protocol) == IPPROTO_UDP ? sk : NULL;
}

/* Skips sockets that have no port yet: a socket that is NULL has none. */
static __always_inline int emit_holder(struct seq_file *seq, struct task_struct *task,
				       struct sock *sk)
{
	struct census_holder h = {};
	struct task_struct *leader;
	struct in6_addr v6;

	h.sport = BPF_CORE_READ(sk, __sk_common.skc_num);
	if (!h.sport)
		return 0;
	leader = task->group_leader;
	h.sk = (u64)sk;
	h.cookie = BPF_CORE_READ(sk, __sk_common.skc_cookie.counter);
	h.start = leader->start_boottime;
	h.pid = pid_of(leader);
	h.netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
	h.device = BPF_CORE_READ(sk, __sk_common.skc_bound_dev_if);
	h.state = BPF_CORE_READ(sk, __sk_common.skc_state);
	if (BPF_CORE_READ(sk, __sk_common.skc_family) == AF_INET6) {
		v6 = BPF_CORE_READ(sk, __sk_common.skc_v6_rcv_saddr);
		copy_v6(h.saddr, &v6);
	} else {
		map_v4(h.saddr, BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr));
	}
	bpf_seq_write(seq, &h, sizeof(h));
	return 0;
}

static __always_inline int emit_tcp_holder(struct seq_file *seq, struct task_struct *task,
					   struct file *file)
{
	if (!task || !file)
		return 0;
	return emit_holder(seq, task, tcp_of_file(file));
}

static __always_inline int emit_udp_holder(struct seq_file *seq, struct task_struct *task,
					   struct file *file)
{
	if (!task || !file)
		return 0;
	return emit_holder(seq, task, udp_of_file(file));
}

/* Emits a UDP socket of the namespace that the iterator runs in. The kernel lists those that have
 * a port, also those that no process holds by a file, as a tunnel's. */
static __always_inline int emit_udp_socket(struct seq_file *seq, struct udp_sock *udp)
{
	struct census_holder h = {};
	struct sock_common *sk;

	if (!udp)
		return 0;
	sk = &udp->inet.sk.__sk_common;
	h.sk = (u64)udp;
	h.netns = sk->skc_net.net->ns.inum;
	h.sport = sk->skc_num;
	h.v6only = BPF_CORE_READ_BITFIELD_PROBED(sk, skc_ipv6only);
	if (sk->skc_family == AF_INET6)
		copy_v6(h.saddr, &sk->skc_v6_rcv_saddr);
	else
		map_v4(h.saddr, sk->skc_rcv_saddr);
	bpf_seq_write(seq, &h, sizeof(h));
	return 0;
}

static __always_inline void read_netns(struct net *net, struct census_netns *n)
{
	u32 range = netns_port_range(net);

	n->now = bpf_ktime_get_ns();
	n->jiffies = bpf_jiffies64();
	n->cookie = netns_cookie(net);
	n->inode = net->ns.inum;
	n->low = range;
	n->high = range >> 16;
	n->reuse = BPF_CORE_READ(net, ipv4.sysctl_tcp_tw_reuse);
	n->reuse_delay_ms = netns_reuse_delay_ms(net);
	n->timestamps = BPF_CORE_READ(net, ipv4.sysctl_tcp_timestamps);
	n->fin_timeout = BPF_CORE_READ(net, ipv4.sysctl_tcp_fin_timeout);
	n->max_time_wait = netns_max_time_wait(net);
	n->time_wait = netns_time_wait(net);
	n->nonlocal_bind = BPF_CORE_READ(net, ipv4.sysctl_ip_nonlocal_bind);
	if (bpf_core_field_exists(net->ipv4.sysctl_ip_prot_sock)) { /* CONFIG_SYSCTL */
		n->has_unprivileged_port = 1;
		n->unprivileged_port = BPF_CORE_READ(net, ipv4.sysctl_ip_prot_sock);
	}
	bpf_probe_read_kernel(n->reserved, sizeof(n->reserved),
			      net->ipv4.sysctl_local_reserved_ports);
}

/* Emits each namespace once. A thread is skipped if it is in the namespaces of its leader. */
static __always_inline int emit_netns(struct bpf_iter_meta *meta, struct task_struct *task)
{
	struct census_netns *n;
	u64 session, *sent, key;
	struct net *net;
	u32 zero = 0;

	if (!task || !task->nsproxy)
		return 0;
	if (task != task->group_leader && task->nsproxy == task->group_leader->nsproxy)
		return 0;
	net = task->nsproxy->net_ns;
	session = meta->session_id;
	key = (u64)net;
	sent = bpf_map_lookup_elem(&pt_netns_sent, &key);
	if (sent && *sent == session)
		return 0;
	n = bpf_map_lookup_elem(&pt_netns, &zero);
	if (!n)
		return 0;
	read_netns(net, n);
	if (n->inode && !bpf_seq_write(meta->seq, n, sizeof(*n)))
		bpf_map_update_elem(&pt_netns_sent, &key, &session, BPF_ANY);
	return 0;
}

#endif /* __PORTTRACE_CENSUS_BPF_H */
