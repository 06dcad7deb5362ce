package probe

import "github.com/porttrace/porttrace/internal/event"

// Hook is a way into the kernel. --hooks names those that may be used.
type Hook string

const (
	Fexit      Hook = "fexit"      // BPF trampolines
	Kprobe     Hook = "kprobe"     // kprobes and kretprobes
	Tracepoint Hook = "tracepoint" // BTF-typed tracepoints: always needed
	Cgroup     Hook = "cgroup"     // programs at the root of cgroup v2
	Syscall    Hook = "syscall"    // every system call's exit: exact, and paid by every program
)

// iterate is not among those that --hooks names: iterators are attached to nothing, and
// run when they are read.
const iterate Hook = "iter"

// Hooks are all of them, the best first.
var Hooks = []Hook{Fexit, Kprobe, Tracepoint, Cgroup, Syscall}

// DefaultHooks are those that cost next to nothing where nobody uses ports.
var DefaultHooks = []Hook{Fexit, Kprobe, Tracepoint, Cgroup}

// rung is one way to see a signal: programs that are attached together or not at all.
type rung struct {
	hook     Hook
	name     string // as shown: what is attached
	mode     event.Mode
	programs []string
	cookies  bool   // the programs give cookies to sockets, where the kernel lets them
	why      string // why it is not exact
}

// signal is one thing to see, and the ways to see it, the best first. The first
// that this kernel and these privileges take is used: found by trying, since
// distributions patch what version numbers promise.
type signal struct {
	name    string
	ladder  []rung
	without string // what is missing when no rung holds
}

// states carries everything else and is loaded first.
var states = rung{
	hook: Tracepoint, name: "tp_btf/inet_sock_set_state", mode: event.Exact,
	programs: []string{"pt_set_state"}, cookies: true,
}

// syscalls sees bind() and connect() both, so that both signals use it or neither.
var syscalls = rung{
	hook: Syscall, name: "tp_btf/sys_exit", mode: event.Exact, programs: []string{"pt_sys_exit"},
	why: "some 80 ns on every system call of this host; blind to io_uring and 32-bit programs",
}

var ladders = []signal{
	{
		name: "connect",
		ladder: []rung{
			{
				hook: Fexit, name: "fexit/inet_hash_connect, inet6_hash_connect", mode: event.Exact,
				programs: []string{"pt_hash_fexit", "pt_hash6_fexit"}, cookies: true,
			},
			{
				hook: Kprobe, name: "kretprobe/inet_hash_connect, inet6_hash_connect", mode: event.Exact,
				programs: []string{"pt_hash_kprobe", "pt_hash_kret", "pt_hash6_kprobe", "pt_hash6_kret"},
				why:      "an open is told with its next change of state; a port taken from TIME_WAIT is not told apart",
			},
			{
				hook: Tracepoint, name: states.name, mode: event.Inferred,
				why: "ports and errnos are read off state changes; time in the port search is not seen",
			},
		},
	},
	{
		name: "syn_sent",
		ladder: []rung{{
			hook: Tracepoint, name: "tp_btf/tcp_retransmit_skb", mode: event.Exact,
			programs: []string{"pt_retransmit"},
		}},
		without: "unanswered SYNs are seen when they end",
	},
	{
		name: "connect_errors",
		ladder: []rung{
			{
				hook: Fexit, name: "fexit/tcp_v4_connect, tcp_v6_connect", mode: event.Exact,
				programs: []string{"pt_conn_fexit", "pt_conn6_fexit"},
			},
			{
				hook: Kprobe, name: "kretprobe/tcp_v4_connect, tcp_v6_connect", mode: event.Exact,
				programs: []string{"pt_conn_kprobe", "pt_conn_kret", "pt_conn6_kprobe", "pt_conn6_kret"},
			},
			syscalls,
		},
		without: "connects that fail before a port is chosen (no route, no IPv6) are not seen; --hooks can add syscall",
	},
	{
		name: "bind",
		ladder: []rung{
			{
				hook: Fexit, name: "fexit/__inet_bind, __inet6_bind", mode: event.Exact,
				programs: []string{"pt_bind_fexit", "pt_bind6_fexit"},
			},
			{
				hook: Kprobe, name: "kretprobe/__inet_bind, __inet6_bind", mode: event.Exact,
				programs: []string{"pt_bind_kprobe", "pt_bind_kret", "pt_bind6_kprobe", "pt_bind6_kret"},
			},
			syscalls,
			{
				hook: Cgroup, name: "cgroup/bind4, bind6, post_bind4, post_bind6", mode: event.Inferred,
				programs: []string{"pt_bind4", "pt_bind6", "pt_post_bind4", "pt_post_bind6"},
				why:      "a bind that did not succeed is known, its errno is inferred; TCP only",
			},
		},
		without: "bind() is not seen; listen() and early-bound connects are",
	},
	{
		name: "autobind",
		ladder: []rung{
			{
				hook: Fexit, name: "fexit/inet_autobind", mode: event.Exact,
				programs: []string{"pt_autobind_fexit"},
			},
			{
				hook: Kprobe, name: "kretprobe/inet_autobind", mode: event.Exact,
				programs: []string{"pt_autobind_kprobe", "pt_autobind_kret"},
			},
		},
		without: "UDP sockets that find no port on their first send or connect (EAGAIN) are not seen",
	},
	{
		name: "census",
		ladder: []rung{{
			hook: iterate, name: "iter/tcp, iter/task_file, iter/task", mode: event.Exact,
			programs: []string{socketsIter, holdersIter, namespacesIter},
		}},
		without: "sockets that exist already, and ports that are only bound, are not seen by BPF",
	},
}

// timeWait is not a hook of its own: it is a rule over the state changes.
var timeWait = event.Signal{
	Name: "time_wait", Mode: event.Inferred, Hook: states.name,
	Reason: "by rule from the last state change; a full bucket table (TCPTimeWaitOverflow) is not seen",
}

const forksProgram = "pt_fork"

// The iterators, by their programs.
const (
	socketsIter    = "pt_sockets"
	holdersIter    = "pt_holders"
	namespacesIter = "pt_namespaces"
)
