/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Kernel types, trimmed to what bpf/ reads.
 *
 * Layouts here do not matter: every access to a struct is relocated against the
 * BTF of the running kernel (CO-RE). Names and types do.
 *
 * `make vmlinux` regenerates everything below the line "generated" from the BTF in
 * $(VMLINUX_BTF) (default: the running kernel's), by the list that follows:
 * "TYPE: MEMBER..." keeps those members, at any depth; "TYPE: *" keeps all of them.
 * If a member differs between kernels, its other definitions are in bpf/core.bpf.h.
 *
 * keep enum bpf_map_type: *
 * keep enum bpf_func_id: BPF_FUNC_get_current_task_btf
 * keep enum sock_flags: SOCK_DEAD SOCK_DONE SOCK_RCU_FREE
 * keep struct in6_addr: *
 * keep struct ns_common: inum
 * keep struct local_ports: range
 * keep struct inet_timewait_death_row: sysctl_max_tw_buckets
 * keep struct netns_ipv4: tcp_death_row ip_local_ports sysctl_tcp_tw_reuse sysctl_tcp_tw_reuse_delay sysctl_tcp_timestamps sysctl_tcp_fin_timeout sysctl_local_reserved_ports sysctl_ip_nonlocal_bind sysctl_ip_prot_sock dev_addr_genid
 * keep struct netns_ipv6: dev_addr_genid
 * keep struct net: net_cookie ns ipv4 ipv6
 * keep struct nsproxy: net_ns
 * keep struct sock_common: skc_daddr skc_rcv_saddr skc_dport skc_num skc_family skc_state skc_reuse skc_reuseport skc_ipv6only skc_bound_dev_if skc_net skc_v6_daddr skc_v6_rcv_saddr skc_cookie skc_flags
 * keep struct sock: __sk_common sk_protocol sk_err sk_shutdown sk_userlocks
 * keep struct inet_sock: sk inet_flags inet_sport local_port_range
 * keep struct udp_sock: inet
 * keep struct inet_bind_bucket: fastreuse fastreuseport
 * keep struct inet_connection_sock: icsk_inet icsk_bind_hash
 * keep struct tcp_options_received: ts_recent_stamp
 * keep struct tcp_sock: inet_conn linger2 packets_out rx_opt
 * keep struct mptcp_sock: first
 * keep struct timer_list: expires
 * keep struct inet_timewait_sock: __tw_common tw_substate tw_timer tw_tb
 * keep struct tcp_timewait_sock: tw_sk tw_ts_recent_stamp
 * keep struct qstr: name
 * keep struct dentry: d_parent d_name
 * keep struct vfsmount: mnt_root
 * keep struct mount: mnt_parent mnt_mountpoint mnt
 * keep struct path: *
 * keep struct inode: i_mode
 * keep struct file: f_path f_inode private_data
 * keep struct fs_struct: root
 * keep struct mm_struct: exe_file arg_start arg_end
 * keep struct kernfs_node: __parent name
 * keep struct cgroup: kn root
 * keep struct css_set: dfl_cgrp cgrp_links
 * keep struct cgrp_cset_link: cgrp cgrp_link
 * keep struct cgroup_root: name
 * keep struct list_head: next
 * keep struct cred: uid cap_effective
 * keep struct pid_namespace: ns
 * keep struct upid: *
 * keep struct pid: level numbers
 * keep struct socket: sk
 * keep struct fdtable: max_fds fd
 * keep struct files_struct: fdt
 * keep struct task_struct: flags pid tgid group_leader real_parent comm start_boottime self_exec_id mm fs files cgroups cred thread_pid nsproxy
 * keep struct bpf_iter_meta: seq session_id
 * keep struct bpf_iter__tcp: meta sk_common
 * keep struct bpf_iter__udp: meta udp_sk
 * keep struct bpf_iter__task: meta task
 * keep struct bpf_iter__task_file: meta task file
 * keep struct bpf_raw_tracepoint_args: *
 * keep struct bpf_sock: *
 * keep struct bpf_sock_addr: *
 */
#ifndef __VMLINUX_H__
#define __VMLINUX_H__

#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
#endif

typedef signed char __s8;
typedef unsigned char __u8;
typedef short __s16;
typedef unsigned short __u16;
typedef int __s32;
typedef unsigned int __u32;
typedef long long __s64;
typedef unsigned long long __u64;
typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s16 s16;
typedef __s32 s32;
typedef __s64 s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;
typedef _Bool bool;
typedef unsigned short umode_t;
typedef int pid_t;

enum {
	false = 0,
	true = 1,
};

typedef struct {
	unsigned int val;
} kuid_t;

/* cap[2] until f122a08b197d (6.3): read as one u64, in which the bits lie the same. */
typedef struct {
	u64 val;
} kernel_cap_t;

typedef struct {
	int counter;
} atomic_t;

typedef struct {
	s64 counter;
} atomic64_t;

typedef struct {
	struct net *net;
} possible_net_t;

/* include/uapi/linux/bpf.h; the enums are anonymous in BTF. */
enum {
	BPF_ANY = 0,
	BPF_NOEXIST = 1,
	BPF_EXIST = 2,
};

enum {
	BPF_RB_NO_WAKEUP = 1,
	BPF_RB_FORCE_WAKEUP = 2,
};

enum {
	BPF_F_NO_PREALLOC = 1,
	BPF_F_MMAPABLE = 1024,
};

#if defined(__TARGET_ARCH_x86)
struct pt_regs {
	long unsigned int r15, r14, r13, r12, bp, bx, r11, r10, r9, r8;
	long unsigned int ax, cx, dx, si, di, orig_ax, ip, cs, flags, sp, ss;
};
#elif defined(__TARGET_ARCH_arm64)
struct user_pt_regs {
	__u64 regs[31];
	__u64 sp;
	__u64 pc;
	__u64 pstate;
};

struct pt_regs {
	union {
		struct user_pt_regs user_regs;
		struct {
			u64 regs[31];
			u64 sp;
			u64 pc;
			u64 pstate;
		};
	};
	u64 orig_x0;
	s32 syscallno;
};
#else
#error "a target architecture must be given: __TARGET_ARCH_x86 or __TARGET_ARCH_arm64"
#endif

/* generated from 6.18.44-fc-v669 */

struct list_head {
	struct list_head *next;
};

struct timer_list {
	long unsigned int expires;
};

struct task_struct {
	unsigned int flags;
	struct mm_struct *mm;
	pid_t pid;
	pid_t tgid;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	struct pid *thread_pid;
	u64 start_boottime;
	const struct cred *cred;
	char comm[16];
	struct fs_struct *fs;
	struct files_struct *files;
	struct nsproxy *nsproxy;
	u64 self_exec_id;
	struct css_set *cgroups;
};

struct mm_struct {
	long unsigned int arg_start;
	long unsigned int arg_end;
	struct file *exe_file;
};

struct ns_common {
	unsigned int inum;
};

struct pid_namespace {
	struct ns_common ns;
};

struct upid {
	int nr;
	struct pid_namespace *ns;
};

struct pid {
	unsigned int level;
	struct upid numbers[0];
};

struct cred {
	kuid_t uid;
	kernel_cap_t cap_effective;
};

struct nsproxy {
	struct net *net_ns;
};

struct css_set {
	struct cgroup *dfl_cgrp;
	struct list_head cgrp_links;
};

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

struct file {
	void *private_data;
	struct inode *f_inode;
	const struct path f_path;
};

struct qstr {
	const unsigned char *name;
};

struct dentry {
	struct dentry *d_parent;
	const struct qstr d_name;
};

struct inode {
	umode_t i_mode;
};

struct vfsmount {
	struct dentry *mnt_root;
};

struct cgroup {
	struct kernfs_node *kn;
	struct cgroup_root *root;
};

struct kernfs_node {
	struct kernfs_node *__parent;
	const char *name;
};

struct inet_timewait_death_row {
	int sysctl_max_tw_buckets;
};

struct local_ports {
	u32 range;
};

struct netns_ipv4 {
	struct inet_timewait_death_row tcp_death_row;
	struct local_ports ip_local_ports;
	u8 sysctl_ip_nonlocal_bind;
	u8 sysctl_tcp_tw_reuse;
	unsigned int sysctl_tcp_tw_reuse_delay;
	int sysctl_tcp_fin_timeout;
	u8 sysctl_tcp_timestamps;
	atomic_t dev_addr_genid;
	long unsigned int *sysctl_local_reserved_ports;
	int sysctl_ip_prot_sock;
};

struct netns_ipv6 {
	atomic_t dev_addr_genid;
};

struct net {
	struct ns_common ns;
	struct netns_ipv4 ipv4;
	struct netns_ipv6 ipv6;
	u64 net_cookie;
};

struct cgroup_root {
	char name[64];
};

enum bpf_map_type {
	BPF_MAP_TYPE_UNSPEC = 0,
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PROG_ARRAY = 3,
	BPF_MAP_TYPE_PERF_EVENT_ARRAY = 4,
	BPF_MAP_TYPE_PERCPU_HASH = 5,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_STACK_TRACE = 7,
	BPF_MAP_TYPE_CGROUP_ARRAY = 8,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_LRU_PERCPU_HASH = 10,
	BPF_MAP_TYPE_LPM_TRIE = 11,
	BPF_MAP_TYPE_ARRAY_OF_MAPS = 12,
	BPF_MAP_TYPE_HASH_OF_MAPS = 13,
	BPF_MAP_TYPE_DEVMAP = 14,
	BPF_MAP_TYPE_SOCKMAP = 15,
	BPF_MAP_TYPE_CPUMAP = 16,
	BPF_MAP_TYPE_XSKMAP = 17,
	BPF_MAP_TYPE_SOCKHASH = 18,
	BPF_MAP_TYPE_CGROUP_STORAGE_DEPRECATED = 19,
	BPF_MAP_TYPE_CGROUP_STORAGE = 19,
	BPF_MAP_TYPE_REUSEPORT_SOCKARRAY = 20,
	BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE_DEPRECATED = 21,
	BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE = 21,
	BPF_MAP_TYPE_QUEUE = 22,
	BPF_MAP_TYPE_STACK = 23,
	BPF_MAP_TYPE_SK_STORAGE = 24,
	BPF_MAP_TYPE_DEVMAP_HASH = 25,
	BPF_MAP_TYPE_STRUCT_OPS = 26,
	BPF_MAP_TYPE_RINGBUF = 27,
	BPF_MAP_TYPE_INODE_STORAGE = 28,
	BPF_MAP_TYPE_TASK_STORAGE = 29,
	BPF_MAP_TYPE_BLOOM_FILTER = 30,
	BPF_MAP_TYPE_USER_RINGBUF = 31,
	BPF_MAP_TYPE_CGRP_STORAGE = 32,
	BPF_MAP_TYPE_ARENA = 33,
	__MAX_BPF_MAP_TYPE = 34,
};

enum bpf_func_id {
	BPF_FUNC_get_current_task_btf = 158,
};

struct in6_addr {
	union {
		__u8 u6_addr8[16];
		__be16 u6_addr16[8];
		__be32 u6_addr32[4];
	} in6_u;
};

struct fs_struct {
	struct path root;
};

struct sock_common {
	__be32 skc_daddr;
	__be32 skc_rcv_saddr;
	__be16 skc_dport;
	__u16 skc_num;
	short unsigned int skc_family;
	volatile unsigned char skc_state;
	unsigned char skc_reuse: 4;
	unsigned char skc_reuseport: 1;
	unsigned char skc_ipv6only: 1;
	int skc_bound_dev_if;
	possible_net_t skc_net;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
	atomic64_t skc_cookie;
	long unsigned int skc_flags;
};

struct sock {
	struct sock_common __sk_common;
	u8 sk_userlocks;
	int sk_err;
	u16 sk_protocol;
	u8 sk_shutdown;
};

struct socket {
	struct sock *sk;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

struct bpf_iter_meta {
	struct seq_file *seq;
	u64 session_id;
};

struct cgrp_cset_link {
	struct cgroup *cgrp;
	struct list_head cgrp_link;
};

struct bpf_raw_tracepoint_args {
	__u64 args[0];
};

struct bpf_sock {
	__u32 bound_dev_if;
	__u32 family;
	__u32 type;
	__u32 protocol;
	__u32 mark;
	__u32 priority;
	__u32 src_ip4;
	__u32 src_ip6[4];
	__u32 src_port;
	__be16 dst_port;
	__u32 dst_ip4;
	__u32 dst_ip6[4];
	__u32 state;
	__s32 rx_queue_mapping;
};

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	struct file *file;
};

struct bpf_sock_addr {
	__u32 user_family;
	__u32 user_ip4;
	__u32 user_ip6[4];
	__u32 user_port;
	__u32 family;
	__u32 type;
	__u32 protocol;
	__u32 msg_src_ip4;
	__u32 msg_src_ip6[4];
	union {
		struct bpf_sock *sk;
	};
};

enum sock_flags {
	SOCK_DEAD = 0,
	SOCK_DONE = 1,
	SOCK_RCU_FREE = 23,
};

struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
};

struct inet_sock {
	struct sock sk;
	long unsigned int inet_flags;
	__be16 inet_sport;
	u32 local_port_range;
};

struct udp_sock {
	struct inet_sock inet;
};

struct inet_connection_sock {
	struct inet_sock icsk_inet;
	struct inet_bind_bucket *icsk_bind_hash;
};

struct inet_bind_bucket {
	signed char fastreuse;
	signed char fastreuseport;
};

struct tcp_options_received {
	int ts_recent_stamp;
};

struct tcp_sock {
	struct inet_connection_sock inet_conn;
	u32 packets_out;
	struct tcp_options_received rx_opt;
	int linger2;
};

struct inet_timewait_sock {
	struct sock_common __tw_common;
	unsigned char tw_substate;
	struct timer_list tw_timer;
	struct inet_bind_bucket *tw_tb;
};

struct tcp_timewait_sock {
	struct inet_timewait_sock tw_sk;
	int tw_ts_recent_stamp;
};

struct bpf_iter__tcp {
	struct bpf_iter_meta *meta;
	struct sock_common *sk_common;
};

struct bpf_iter__udp {
	struct bpf_iter_meta *meta;
	struct udp_sock *udp_sk;
};

struct mptcp_sock {
	struct sock *first;
};

#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute pop
#endif

#endif /* __VMLINUX_H__ */
