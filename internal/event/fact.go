package event

import "slices"

// Fact is the value of an event that is not about one socket: *Host, Signals, Clock,
// *Process, *Netns, *NetnsCounts, *FileUse, *UDPUse, *Census, *Fold, *Health, Text or *Gap.
// *SpaceUse follows from the stream. A Bind or BindFail has an *AddressStamp until its errno is known.
type Fact interface{ fact() }

// Host is the host on which the stream was made.
type Host struct {
	Name   string // as of uname(2)
	Kernel string // release
	Arch   string // GOARCH
	PIDNS  string // empty in the host's own pid namespace, else which one the pids belong to
}

// Mode is how well a signal is observed.
type Mode string

const (
	Exact    Mode = "exact"
	Inferred Mode = "inferred"
	Off      Mode = "off"
)

// Signal is one thing that can be observed, and how it is observed here.
type Signal struct {
	Name   string `json:"name"`
	Mode   Mode   `json:"mode"`
	Hook   string `json:"hook"`   // what is attached, empty when off
	Reason string `json:"reason"` // why it is not better, empty when exact
}

// Signals are all of them, in the order in which they are shown.
type Signals []Signal

// Off reports whether a signal is not observed at all.
func (s Signals) Off(name string) bool {
	return slices.ContainsFunc(s, func(signal Signal) bool { return signal.Name == name && signal.Mode == Off })
}

// Clock anchors the stream's time to the wall clock and to the time since boot. It is taken
// again after a clock step.
type Clock struct {
	Mono Time  // CLOCK_MONOTONIC, ns
	Wall int64 // CLOCK_REALTIME at the same moment, ns since 1970
	Boot int64 // CLOCK_BOOTTIME at the same moment, ns
}

// Netns has the facts of a network namespace.
type Netns struct {
	Inode    uint32
	Name     string // of ip-netns(8), or "host", or of its container; empty if unknown
	TimeWait int64  // buckets that the kernel counts in it now, -1 if it cannot be read

	// Cookie distinguishes it from a later one with the same inode; 0 if the kernel has none
	// (SO_NETNS_COOKIE, 5.14).
	Cookie uint64
	// The settings of ip-sysctl.rst. If they are unknown Ports is zero.
	Ports       PortRange // ip_local_port_range
	Reserved    string    // ip_local_reserved_ports as the kernel prints it: 8080,9000-9100
	Reuse       uint8     // tcp_tw_reuse: 0 never, 1 always, 2 on loopback
	ReuseDelay  uint64    // tcp_tw_reuse_delay, ns
	MaxTimeWait int64     // tcp_max_tw_buckets
	Timestamps  Setting   // tcp_timestamps: 0 off, 1 and 2 on
	FinTimeout  uint64    // tcp_fin_timeout, ns; 0: not known
	// Refused counts the buckets that tcp_max_tw_buckets has refused since the namespace
	// was made (TCPTimeWaitOverflow).
	Refused Counter

	// Further settings of ip-sysctl.rst that explain failures; zero: not known.
	NonlocalBind     Setting   // ip_nonlocal_bind
	UnprivilegedPort Counter   // ip_unprivileged_port_start
	MaxOrphans       Counter   // tcp_max_orphans, of the host
	TCPMem           [3]uint64 // tcp_mem: low, pressure, high, in pages, of the host; zero: not known
	// TimeWaitSetting is tcp_tw_timeout, ns, of a distribution that has it (Alibaba Cloud Linux);
	// 0: the kernel has none, and a TIME_WAIT bucket lives 60 s.
	TimeWaitSetting uint64
	// VRFs is which VRF its devices are in, as far as bind buckets differ by that.
	VRFs DeviceVRFs

	// Gone says that the namespace exists no more, nor any of its sockets. The rest is what it
	// was. Its inode may be given to another one.
	Gone bool

	// Timers of 60 s expire on boundaries of the timer wheel, TimerStep ns apart, one of them
	// at TimerAt (kernel/time/timer.c). 0: unknown.
	TimerStep uint64
	TimerAt   Time
}

// NetnsCounts is what the kernel has counted in a network namespace since that was made
// (/proc/net/netstat and snmp, by the names of net/ipv4/proc.c), and gauges of the moment.
type NetnsCounts struct {
	Netns uint32

	TimeWaits         Counter // TW: buckets made; Linux 5.10 counts one when it has expired
	TimeWaitsRecycled Counter // TWRecycled
	TimeWaitOverflows Counter // TCPTimeWaitOverflow
	ListenOverflows   Counter // ListenOverflows: the accept queue was full
	ListenDrops       Counter // ListenDrops: SYNs to listeners that were dropped for any reason
	MemoryAborts      Counter // TCPAbortOnMemory: connections ended for lack of memory, or for too many orphans
	AttemptFails      Counter // AttemptFails: connections that ended before they were established
	SynRetransmits    Counter // TCPSynRetrans
	RequestDrops      Counter // TCPReqQFullDrop: SYNs dropped as the SYN queue was full
	RequestCookies    Counter // TCPReqQFullDoCookies: answered with SYN cookies for that reason
	MemoryPressures   Counter // TCPMemoryPressures

	Orphans  Counter // sockstat: TCP orphan, sockets without a process, of the host: no namespace has a count of its own
	MemPages Counter // sockstat: TCP mem, in pages, of the host

	Conntrack Conntrack
}

// Conntrack is the connection tracking of a network namespace.
type Conntrack struct {
	Entries      Counter // nf_conntrack_count
	Max          Counter // nf_conntrack_max
	InsertFailed Counter // of /proc/net/stat/nf_conntrack: also a SNAT that found no free port
	Drops        Counter // packets dropped, as the table was full
	EarlyDrops   Counter // entries that were dropped to make room
	// NAT says whether this namespace can translate the source address of what leaves it, so
	// that a masquerade or SNAT needs ports, too: its NAT chain at postrouting has a rule. 0 no,
	// 1 yes. The masquerade of a container is in the namespace of its host.
	NAT Setting
}

// FileUse is how many file descriptors a process has open. At the limit socket() and accept()
// fail with EMFILE, which no network hook shows.
type FileUse struct {
	Open  uint64
	Limit uint64 // RLIMIT_NOFILE, soft
	Hard  uint64 // up to where the process can raise it itself; 0: not known, as in older recordings
}

// NearLimit reports whether at most 5 % of the limit is left.
func (f *FileUse) NearLimit() bool { return f.Limit > 0 && f.Open >= f.Limit-f.Limit/20 }

// UDPUse is the UDP ports of a network namespace that bind() to port 0 of one local address
// cannot get: those of all sockets that conflict with one at that address. A socket at the
// unspecified address has its port at every address.
type UDPUse struct {
	Netns   uint32
	InUse   uint32 // ports of the range that are not free at that address, each once
	Holders []UDPHolder
	// Own is how many of InUse sockets of that very address have; of an unspecified address,
	// sockets of its family.
	Own uint32
	// Ports and Reserved are the range at that moment: InUse counts ports of it.
	Ports    PortRange
	Reserved string
}

// UDPHolder is a process and how many UDP ports of the range it has at an address.
type UDPHolder struct {
	Proc  ProcID // zero: not known
	Ports uint32
}

// Census describes one scan of all TCP sockets of a namespace.
type Census struct {
	Netns uint32
	// Whole says that all sockets follow, so that a reader can start from scratch. Otherwise
	// only the differences follow.
	Whole bool
	// Bound says that the scan shows sockets that are only bound, and which bind buckets are
	// exclusive.
	Bound bool
	// Wide says that the ports outside the port range were scanned, too.
	Wide    bool
	Sockets uint64
	Took    uint64 // ns
	// TimeWait is how long the timers of the TIME_WAIT buckets were set to that the scan
	// has found and whose closes are known, ns; 0: too few of them to say.
	TimeWait uint64
	Began    Time // 0: unknown
}

// Fold has the counts of occurrences that were not delivered one by one: of one owner and
// one destination, between the event's First and Last.
type Fold struct {
	Opens          uint64
	ClosesOut      uint64
	ClosesIn       uint64
	ClosesUnknown  uint64
	ConnectFails   uint64 // those that ended an Open
	Binds          uint64
	TimeWaitOut    uint64 // of ClosesOut
	TimeWaitIn     uint64 // of ClosesIn
	EnterCloseWait uint64
	LeaveCloseWait uint64
	EnterSynSent   uint64 // SynUnanswered
	LeaveSynSent   uint64
	EarlyBinds     uint64 // of Opens: the port was bound before connect; 0 in older recordings
	ResetsOut      uint64 // of ClosesOut: reset by this end; likewise
	Lifetimes      uint64 // ns, the sum of those of ClosesOut; likewise
}

// Closes returns all of them.
func (f *Fold) Closes() uint64 { return f.ClosesOut + f.ClosesIn + f.ClosesUnknown }

// Public returns how many events of public kinds it stands for, without failures: those have
// events of their own.
func (f *Fold) Public() uint64 { return f.Opens + f.Closes() + f.Binds + f.EnterSynSent }

// All returns how many events it stands for, without failures and SynAnswered.
func (f *Fold) All() uint64 { return f.Public() + f.EnterCloseWait }

// Health has the losses and the cost of the tracer since its start.
type Health struct {
	Events       uint64 // delivered one by one
	LostDetails  uint64 // folded for lack of room: totals are right, details are lost
	Limited      uint64 // only counted because there were more than the detail limit: likewise
	Repeated     uint64 // failures, folded because there were many alike; older recordings: in LostDetails
	Filtered     uint64 // folded because they are not selected
	Lost         uint64 // not even counted
	Unattributed uint64 // of sockets without a known owner
	Missed       uint64 // runs the kernel skipped (recursion_misses)
	CPU          uint64 // ns of CPU time of this process
	Memory       uint64 // resident bytes of this process
	Maps         uint64 // bytes that its maps take in the kernel
	ProgramTime  uint64 // ns that its programs ran, as far as the kernel measures that (kernel.bpf_stats_enabled)
	ProgramRuns  uint64 // how often they did; 0: not measured
}

// Occurred returns how many events there were, those that were only counted or lost too.
func (h *Health) Occurred() uint64 {
	return h.Events + h.LostDetails + h.Limited + h.Repeated + h.Filtered + h.Lost
}

// Since returns what happened after an earlier account. Memory is that of now, the maps' too. A
// hostile recording can count backwards.
func (h Health) Since(before Health) Health {
	since := func(before, now uint64) uint64 { return now - min(now, before) }
	return Health{
		Events:       since(before.Events, h.Events),
		LostDetails:  since(before.LostDetails, h.LostDetails),
		Limited:      since(before.Limited, h.Limited),
		Repeated:     since(before.Repeated, h.Repeated),
		Filtered:     since(before.Filtered, h.Filtered),
		Lost:         since(before.Lost, h.Lost),
		Unattributed: since(before.Unattributed, h.Unattributed),
		Missed:       since(before.Missed, h.Missed),
		CPU:          since(before.CPU, h.CPU),
		Memory:       h.Memory,
		Maps:         h.Maps,
		ProgramTime:  since(before.ProgramTime, h.ProgramTime),
		ProgramRuns:  since(before.ProgramRuns, h.ProgramRuns),
	}
}

// Text is one line for the user.
type Text string

// Gap is a part of the stream that a recording lacks.
type Gap struct {
	Begin, End Time // End is 0 if the length is unknown
	Truncated  bool // the recording ends there without its end mark
	Unrecorded bool // nothing was recorded between two files; if neither, the recording is damaged
}

// AddressStamp identifies the addresses of a namespace at a moment: a Bind or BindFail has it
// until errnos are inferred from them.
type AddressStamp struct {
	Net        uint64 // the address of its struct net
	Generation uint32 // grows with every change
}

func (*Host) fact()         {}
func (Signals) fact()       {}
func (Clock) fact()         {}
func (*Process) fact()      {}
func (*Netns) fact()        {}
func (*NetnsCounts) fact()  {}
func (*FileUse) fact()      {}
func (*UDPUse) fact()       {}
func (*Census) fact()       {}
func (*Fold) fact()         {}
func (*Health) fact()       {}
func (Text) fact()          {}
func (*Gap) fact()          {}
func (*SpaceUse) fact()     {}
func (*AddressStamp) fact() {}
