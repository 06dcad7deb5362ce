/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Everything that crosses to user space, and nothing else: hence not named .bpf.h, as
 * headers with kernel-side code are. bpf2go makes Go twins of these types; a test
 * compares sizes and offsets. Hence no union, bit-field, pointer or packed struct; the
 * widest fields come first and padding has a name. Addresses are IPv6, IPv4 in its
 * v4-mapped form; ports are in host byte order.
 */
#ifndef __PORTTRACE_EVENT_H
#define __PORTTRACE_EVENT_H

#include "../vmlinux.h"

#define COMM_LEN 16
#define NAME_MAX_READ 256 /* NAME_MAX and its NUL */
#define EXE_LEN 768	  /* names fit as long as NAME_MAX_READ is free behind them */
#define CGROUP_LEN 512
#define ARGS_LEN 512

enum event_kind {
	KIND_PROCESS = 1,
	KIND_OPEN,
	KIND_CLOSE,
	KIND_CONNECT_FAIL,
	KIND_BIND,
	KIND_BIND_FAIL,
	KIND_CLOSE_WAIT,     /* passive close: the peer sent the first FIN */
	KIND_SYN_UNANSWERED, /* a SYN was retransmitted */
	KIND_SYN_ANSWERED,   /* and the connection was established after all */
	KIND_LISTEN,
	KIND_LISTEN_END,
	KIND_COUNT,
};

enum event_direction {
	DIR_UNKNOWN,
	DIR_OUT,
	DIR_IN,
};

enum event_op {
	OP_NONE,
	OP_CONNECT,
	OP_BIND,
	OP_LISTEN,
	OP_AUTOBIND,
};

enum event_reason {
	REASON_NONE,
	REASON_RANGE_EXHAUSTED,
	REASON_TUPLE_TAKEN,
	REASON_ERRNO,	 /* user space derives it from the errno */
	REASON_GIVEN_UP, /* closed by its owner while the SYN had no answer */
};

enum event_closed_by {
	CLOSED_BY_NONE,
	CLOSED_BY_LOCAL,
	CLOSED_BY_REMOTE,
	CLOSED_BY_RESET_LOCAL,
	CLOSED_BY_RESET_REMOTE,
	CLOSED_BY_TIMEOUT,
	CLOSED_BY_ABORT,
};

enum event_flag {
	FLAG_TIME_WAIT = 1 << 0,
	FLAG_FIN_WAIT2 = 1 << 1,
	FLAG_EARLY_BIND = 1 << 2,
	FLAG_REUSED = 1 << 3,	     /* the port was taken from a TIME_WAIT bucket */
	FLAG_UNANSWERED = 1 << 4,    /* counted by KIND_SYN_UNANSWERED, not yet answered */
	FLAG_IN_CLOSE_WAIT = 1 << 5, /* counted by KIND_CLOSE_WAIT */
	FLAG_REUSEADDR = 1 << 6,
	FLAG_REUSEPORT = 1 << 7,
	FLAG_NO_PORT = 1 << 8,	       /* IP_BIND_ADDRESS_NO_PORT */
	FLAG_SPORT_INFERRED = 1 << 9,  /* read after it was chosen */
	FLAG_ERRNO_INFERRED = 1 << 10, /* from states; if err is 0, unknown */
	FLAG_HAS_PORT = 1 << 11,       /* connect failure that ends an open */
	FLAG_V4MAPPED = 1 << 12,       /* an AF_INET6 socket that uses IPv4 */
	FLAG_FILTERED = 1 << 13,       /* the filter does not select its owner */
	FLAG_OWNED_BY_BIND = 1 << 14,  /* no connect() can take the port */
	FLAG_NO_TIMESTAMPS = 1 << 15,  /* of a bucket: the peer sent none, so it is not reused */
};

struct event_head {
	__u64 ts;    /* CLOCK_MONOTONIC ns when it was sent; of an OPEN: its SYN */
	__u64 start; /* owner's start, CLOCK_BOOTTIME ns */
	__u32 pid;   /* owner's thread group, 0 if unknown */
	__u32 kind;  /* enum event_kind */
};

struct sock_event {
	struct event_head head;
	__u64 cookie;
	/* ns since the SYN, or since an accepted one was established; of an OPEN 0. Of a bind()
	 * that bind_started() has seen: the address of its struct net. */
	__u64 duration;
	__u64 close_wait; /* ns in CLOSE_WAIT */
	__u32 search_ns;  /* inside inet_hash_connect; of such a bind(): address_generation() */
	__u32 netns;
	__u32 device; /* SO_BINDTODEVICE */
	__u32 flags;
	__u16 low; /* IP_LOCAL_PORT_RANGE of the socket */
	__u16 high;
	__u16 err; /* positive errno */
	__u16 sport;
	__u16 dport;
	__u8 direction;
	__u8 proto;
	__u8 op;
	__u8 reason;
	__u8 closed_by;
	__u8 pad;
	__u8 saddr[16];
	__u8 daddr[16];
};

/* An OPEN, CLOSE or CLOSE_WAIT of IPv4, whose socket has no device and no port range of its own,
 * in little more than half of a sock_event. */
struct conn_event {
	__u64 ts;
	__u64 start;
	__u64 cookie;
	__u64 duration; /* of an OPEN: search_ns */
	__u64 close_wait;
	__u32 pid;
	__u32 netns;
	__u32 saddr; /* in network byte order */
	__u32 daddr;
	__u16 sport;
	__u16 dport;
	__u16 flags; /* all that there are */
	__u8 kind;
	__u8 how; /* direction | closed_by << CLOSED_BY_SHIFT */
};

#define CLOSED_BY_SHIFT 4

/* A path is stored as its components, each with its NUL, the last one first. */
struct process_event {
	struct event_head head;
	__u32 ppid;
	__u32 uid;
	__u16 exe_len;
	__u16 cgroup_len;
	__u16 args_len; /* as much as was read */
	__u8 kernel_thread;
	__u8 args_cut; /* there are more */
	char comm[COMM_LEN];
	char exe[EXE_LEN];
	char cgroup[CGROUP_LEN];
	char args[ARGS_LEN]; /* each with its NUL */
};

/* Occurrences that were not delivered one by one, by owner and remote endpoint (of
 * accepted connections: the local endpoint; of binds: the requested address). */
struct fold_key {
	__u64 start;
	__u32 pid;
	__u32 netns;
	__u16 port;
	__u8 direction;
	__u8 proto;
	__u8 filtered;
	__u8 pad[3];
	__u8 addr[16];
};

struct fold_counts {
	__u64 first; /* ns; of a limited pair 0 */
	__u64 last;
	__u64 opens;
	__u64 closes;
	__u64 binds;
	__u64 time_wait; /* buckets of both kinds */
	__u64 enter_close_wait;
	__u64 leave_close_wait;
	__u64 enter_syn_sent;
	__u64 leave_syn_sent;
	__u64 early_binds; /* of opens: FLAG_EARLY_BIND */
	__u64 resets;	   /* of closes: CLOSED_BY_RESET_LOCAL */
	__u64 lifetimes;   /* ns, the sum of the durations of closes */
};

/* Failures beyond the first FAILURES_IN_DETAIL of a key: a retry storm is one entry. */
struct fail_key {
	__u64 start;
	__u32 pid;
	__u32 netns;
	__u32 flags;
	__u16 port;
	__u16 err;
	__u8 op;
	__u8 reason;
	__u8 proto;
	__u8 filtered;
	__u8 pad[4];
	__u8 addr[16];
};

struct fail_counts {
	__u64 first; /* ns */
	__u64 last;
	__u64 sent;   /* delivered one by one since the maps were swapped */
	__u64 folded; /* not delivered */
};

/* Per kind and CPU: seen = delivered + limited + folded + filtered + lost. */
struct kind_counts {
	__u64 seen;
	__u64 delivered;
	__u64 limited;	/* counted in a map: there were too many to send each */
	__u64 folded;	/* counted in a map: the ring was full, or the failure a repetition */
	__u64 filtered; /* counted in a map: not selected */
	__u64 lost;	/* not even counted in a map */
};

/* A TCP socket or TIME_WAIT bucket of one namespace. */
struct census_socket {
	__u64 sk;     /* its address, by which user space finds its holder */
	__u64 cookie; /* 0 if it has none yet */
	__u64 expiry; /* TIME_WAIT: CLOCK_MONOTONIC ns at which its timer fires */
	__u32 netns;
	__u32 device;
	__u32 flags;
	__u16 low; /* IP_LOCAL_PORT_RANGE */
	__u16 high;
	__u16 sport;
	__u16 dport;
	__u8 state;
	__u8 direction;
	__u8 pad[2];
	__u8 saddr[16];
	__u8 daddr[16];
};

/* An open file that is a TCP or UDP socket, in any namespace; or a UDP socket of one namespace,
 * without a process. */
struct census_holder {
	__u64 sk;
	__u64 cookie;
	__u64 start; /* of the process, CLOCK_BOOTTIME ns */
	__u32 pid;
	__u32 netns;
	__u32 device;
	__u16 sport;
	__u8 state;
	__u8 v6only; /* of UDP: IPV6_V6ONLY */
	__u8 saddr[16];
};

/* The settings by which a namespace allocates ports. */
struct census_netns {
	__u64 now; /* CLOCK_MONOTONIC ns */
	__u64 jiffies;
	__u64 cookie;
	__u32 inode;
	__u32 reuse_delay_ms;
	__u32 max_time_wait;
	__u32 fin_timeout; /* jiffies */
	__u16 low;
	__u16 high;
	__u8 reuse;
	__u8 timestamps;
	__u8 nonlocal_bind;
	__u8 has_unprivileged_port;
	__u32 time_wait; /* tcp_tw_timeout, jiffies; 0: this kernel has none */
	__u16 unprivileged_port;
	__u8 pad[2];
	__u64 reserved[1024]; /* a bit for each port */
};

#endif /* __PORTTRACE_EVENT_H */
