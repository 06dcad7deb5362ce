package probe

import "github.com/porttrace/porttrace/internal/event"

// Hook is a mechanism by which programs are attached. --hooks lists those that may be used.
type Hook string

const (
	Fexit      Hook = "fexit"      // BPF trampolines
	Kprobe     Hook = "kprobe"     // kprobes and kretprobes
	Tracepoint Hook = "tracepoint" // BTF-typed tracepoints: required
	Cgroup     Hook = "cgroup"     // programs at the root of cgroup v2
	Syscall    Hook = "syscall"    // the exit of every system call: exact, but slows every program
)

// iterate cannot be named in --hooks: iterators run only when they are read.
const iterate Hook = "iter"

// Hooks are all hooks that --hooks can name, the best first.
var Hooks = []Hook{Fexit, Kprobe, Tracepoint, Cgroup, Syscall}

// DefaultHooks are the hooks that cost nearly nothing while no process uses ports.
var DefaultHooks = []Hook{Fexit, Kprobe, Tracepoint, Cgroup}

// rung is one way to observe a signal: programs that are attached together or not at all.
type rung struct {
	hook     Hook
	name     string // shown as Signal.Hook: what is attached
	mode     event.Mode
	programs []string
	cookies  bool   // the programs give sockets their cookies, if the kernel has the helper
	why      string // why it is not exact
}

// signal is one thing that can be observed and the ways to observe it, the best first. The
// first that this kernel and these privileges allow is used. It is found by trying, since
// distributions backport features and a version number shows little.
type signal struct {
	name    string
	ladder  []rung
	without string // what is missing if no rung can be attached
}

// states is required, and attached last: other programs make up for state changes that the
// kernel skipped, and must not do so for those from before.
var states = rung{
	hook: Tracepoint, name: "tp_btf/inet_sock_set_state", mode: event.Exact,
	programs: []string{statesProgram}, cookies: true,
}

const (
	statesProgram  = "pt_set_state"
	skippedProgram = "pt_skipped"
)

// syscalls traces both bind() and connect(): both signals use it, or neither.
var syscalls = rung{
	hook: Syscall, name: "tp_btf/sys_exit", mode: event.Exact, programs: []string{"pt_sys_exit"},
	why: "adds some 80 ns to every system call of this host; calls by io_uring and by 32-bit programs are not traced",
}

var ladders = []signal{
	{
		name: event.SignalConnect,
		ladder: []rung{
			{
				hook: Fexit, name: "fexit/inet_hash_connect, inet6_hash_connect", mode: event.Exact,
				programs: []string{"pt_hash_fexit", "pt_hash6_fexit"}, cookies: true,
			},
			{
				hook: Kprobe, name: "kretprobe/inet_hash_connect, inet6_hash_connect", mode: event.Exact,
				programs: []string{"pt_hash_kprobe", "pt_hash_kret", "pt_hash6_kprobe", "pt_hash6_kret"},
				why:      "opens are reported at the next state change; reuse of a TIME_WAIT port is not detected",
			},
			{
				hook: Tracepoint, name: states.name, mode: event.Inferred,
				why: "ports and errnos are inferred from state changes; the time in the port search is not measured",
			},
		},
	},
	{
		name: event.SignalSynSent,
		ladder: []rung{{
			hook: Tracepoint, name: "tp_btf/tcp_retransmit_skb", mode: event.Exact,
			programs: []string{"pt_retransmit"},
		}},
		without: "unanswered SYNs are reported only when the connect() has ended",
	},
	{
		name: event.SignalConnectErrors,
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
		without: "connects that fail before a port is chosen (no route, no IPv6) are not reported; to report them, add syscall to --hooks",
	},
	{
		name: event.SignalBind,
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
				programs: []string{"pt_bind4", "pt_bind6", "pt_post_bind4", "pt_post_bind6", addressesProgram},
				why:      "a failed bind() is reported with an inferred errno; TCP only",
			},
		},
		without: "bind() is not reported, but listen() and connects of bound sockets are",
	},
	{
		name: event.SignalAutobind,
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
		without: "UDP sockets that find no port on their first send or connect (EAGAIN) are not reported",
	},
	{
		name: event.SignalCensus,
		ladder: []rung{{
			hook: iterate, name: "iter/tcp, iter/task_file, iter/task", mode: event.Exact,
			programs: []string{socketsIter, holdersIter, namespacesIter},
		}},
		without: "sockets older than the trace, and ports that are only bound, are not reported by BPF",
	},
}

// udpCensus is not required for the census: without it sock_diag(7) lists UDP sockets.
var udpCensus = rung{
	hook: iterate, name: "iter/udp, iter/task_file", mode: event.Exact, programs: []string{udpSocketsIter, udpHoldersIter},
}

// timeWait has no hook of its own: it is inferred from the state changes.
var timeWait = event.Signal{
	Name: event.SignalTimeWait, Mode: event.Inferred, Hook: states.name,
	Reason: "inferred from the last state change and from tcp_max_tw_buckets",
}

// allSignals returns the signals that depend on the state changes and those of the ladders,
// in the order of event.SignalNames.
func allSignals(ofLadders event.Signals, noCookies error) event.Signals {
	cookie := event.Signal{Name: event.SignalCookie, Mode: event.Exact, Hook: states.name}
	if noCookies != nil {
		cookie.Mode, cookie.Hook = event.Off, ""
		cookie.Reason = "this kernel has no bpf_get_socket_cookie for tracing: " + brief(noCookies)
	}
	all := event.Signals{{Name: event.SignalStates, Mode: states.mode, Hook: states.name}, cookie}
	return append(append(all, ofLadders...), timeWait)
}

const forksProgram = "pt_fork"

// addressesProgram is attached to nothing: AddressesUnchanged runs it.
const addressesProgram = "pt_addresses"

// The programs of the iterators.
const (
	socketsIter    = "pt_sockets"
	holdersIter    = "pt_holders"
	namespacesIter = "pt_namespaces"
	udpSocketsIter = "pt_udp_sockets"
	udpHoldersIter = "pt_udp_holders"
)
