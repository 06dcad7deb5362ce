package event

import "slices"

// Fact is a piece of the world that the stream carries: *Host, Signals, Clock,
// *Process, *Netns, *Census, *Fold, *Health, Text or *Gap. *SpaceUse follows from it.
type Fact interface{ fact() }

// Host is where the stream was made.
type Host struct {
	Name   string // as of uname(2)
	Kernel string // release
	Arch   string // GOARCH
	PIDNS  string // empty in the host's own pid namespace, else which one the pids belong to
}

// Mode is how well a signal is seen.
type Mode string

const (
	Exact    Mode = "exact"
	Inferred Mode = "inferred"
	Off      Mode = "off"
)

// Signal is one thing the tracer can see and how it sees it here.
type Signal struct {
	Name   string `json:"name"`
	Mode   Mode   `json:"mode"`
	Hook   string `json:"hook"`   // what is attached, empty when off
	Reason string `json:"reason"` // why it is not better, empty when exact
}

// Signals are all of them, in the order in which they are shown.
type Signals []Signal

// Off reports whether a signal is not seen at all.
func (s Signals) Off(name string) bool {
	return slices.ContainsFunc(s, func(signal Signal) bool { return signal.Name == name && signal.Mode == Off })
}

// Clock ties the stream's time to the wall clock and to the time since boot. It
// is taken again after a clock step.
type Clock struct {
	Mono Time  // CLOCK_MONOTONIC, ns
	Wall int64 // CLOCK_REALTIME at the same moment, ns since 1970
	Boot int64 // CLOCK_BOOTTIME at the same moment, ns
}

// Process is what is known of a process. It is captured at its first connect()
// or bind(), in the kernel, so that it outlives the process.
type Process struct {
	ID        ProcID
	PPID      uint32
	UID       uint32
	Comm      string // of the thread-group leader, raw: it can hold any byte
	Exe       string // resolved path, empty for a kernel thread
	Cgroup    string // path in the unified hierarchy
	Container string // id of the container, from the cgroup path
	Unit      string // systemd unit, from the cgroup path
}

// Netns is what is known of a network namespace.
type Netns struct {
	Inode    uint32
	Name     string // as people know it: ip netns name, "host"; empty where unknown
	TimeWait int64  // buckets that the kernel counts in it now, -1 where it cannot be read

	// Cookie tells it from another that gets its inode after its end; 0 where the kernel
	// has none (SO_NETNS_COOKIE, 5.14).
	Cookie uint64
	// The configuration, of ip-sysctl.rst. Where it is not known Ports is zero.
	Ports       PortRange // ip_local_port_range
	Reserved    string    // ip_local_reserved_ports as the kernel prints it: 8080,9000-9100
	Reuse       uint8     // tcp_tw_reuse: 0 never, 1 always, 2 on loopback
	ReuseDelay  uint64    // tcp_tw_reuse_delay, ns
	MaxTimeWait int64     // tcp_max_tw_buckets

	// Gone says that the namespace exists no more, nor any of its sockets. The rest is what it
	// was. Its inode may be given to another one.
	Gone bool

	// Timers of a minute fire at steps only, of so many ns, one of which is at TimerAt
	// (kernel/time/timer.c). 0: not known.
	TimerStep uint64
	TimerAt   Time
}

// Census is a look at all TCP sockets of a namespace.
type Census struct {
	Netns uint32
	// Whole says that every socket follows: what was known of the namespace before is
	// void. Otherwise only the differences follow.
	Whole bool
	// Bound says that ports which only a bind() holds were seen, and which bind buckets
	// are exclusive.
	Bound   bool
	// Wide says that the ports outside the port range were scanned, too.
	Wide    bool
	Sockets uint64
	Took    uint64 // ns
	Began   Time   // 0: not known
}

// Fold stands for occurrences that were counted in the kernel and not delivered
// one by one, of one owner and one destination, between the event's First and Last.
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
	EnterSynSent   uint64 // SynUnanswered and opens that began so
	LeaveSynSent   uint64
}

// Health is what the tracer knows of its own losses and cost, counted since its start.
type Health struct {
	Events       uint64 // delivered one by one
	LostDetails  uint64 // counted by a Fold: the totals hold, the details are gone
	Filtered     uint64 // counted by a Fold because a filter left them out
	Lost         uint64 // not even counted
	Unattributed uint64 // of sockets whose owner is not known
	Missed       uint64 // runs the kernel skipped (recursion_misses)
	CPU          uint64 // ns of CPU time of this process
	Memory       uint64 // resident bytes of this process
}

// Text is one line for the user.
type Text string

// Gap is a part of the stream that a recording does not hold any more.
type Gap struct {
	Begin, End Time // End is 0 where nobody knows how long it went on
	Truncated  bool // the recording was cut short there; otherwise it is damaged
}

func (*Host) fact()     {}
func (Signals) fact()   {}
func (Clock) fact()     {}
func (*Process) fact()  {}
func (*Netns) fact()    {}
func (*Census) fact()   {}
func (*Fold) fact()     {}
func (*Health) fact()   {}
func (Text) fact()      {}
func (*Gap) fact()      {}
func (*SpaceUse) fact() {}
