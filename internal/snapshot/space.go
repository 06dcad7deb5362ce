package snapshot

import (
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// SpaceKind is which call allocates ports of a space.
type SpaceKind string

const (
	// ConnectSpace is for connect() without a bound port: the ports of one local address
	// towards one remote address and port.
	ConnectSpace SpaceKind = "connect"
	// BindSpace is for bind() to port 0: the ports of one local address.
	BindSpace SpaceKind = "bind"
)

// PortSpace is one row: a set of ports and what occupies it. Its figures count ports of the
// range, each once, whatever a filter selects.
type PortSpace struct {
	Kind           SpaceKind
	Netns          uint32
	NetnsName      string
	NetnsGone      bool // the namespace exists no more
	Proto          event.Proto
	Local          event.Addr     // all zero of a BindSpace: any address
	Remote         event.Endpoint // zero of a BindSpace
	Device         uint32         // the interface that its sockets are bound to, 0: none
	Range          event.PortRange
	PerSocketRange bool // Range is that of the sockets (IP_LOCAL_PORT_RANGE), not of the namespace

	event.Occupancy
	// Expiring[i] is how many of TimeWait, without Reusable, expire between i and i+1 seconds
	// from now; empty of a BindSpace, and of one far from the fullest.
	Expiring []int

	// Unstamped is how many of TimeWait tcp_tw_reuse would allocate if they had a TCP timestamp.
	Unstamped int

	Peak      int // the most that was in use at a time since Started
	PeakAt    time.Time
	FullSince time.Time // since when no port is left; zero: one is
	// FullBeforeStart says that it was full when the trace began: it has been so for longer.
	FullBeforeStart bool

	Opens       uint64  // since Started
	OpenRate    float64 // per second; the Forecast assumes it
	Wanted      float64 // OpenRate and the calls that found no port, per second
	Sustainable float64 // opens per second that the space can serve at current lifetimes; 0: unknown, or not limited by ports
	// SustainableRough says that Sustainable is Capacity / TimeWaitLength, or how soon tcp_tw_reuse
	// frees a port: too few connections have ended to know better.
	SustainableRough bool
	Textbook         float64 // the same by the rule of thumb: Capacity / TimeWaitLength
	// TimeWaitLength is how long a TIME_WAIT bucket lives: 60 s, or what its timers have shown.
	TimeWaitLength time.Duration
	Forecast       Forecast

	Exhausted      uint64 // calls that found no port, since Started
	ExhaustionRate float64
	LastExhausted  time.Time
	// ExhaustedSince is since when calls have found no port, without a pause of more than ten
	// seconds; zero: none of the last seconds did.
	ExhaustedSince time.Time

	SearchP50 time.Duration // in the port search of connect(); 0: not measured
	SearchP99 time.Duration
	// SecondParity is the share of the newest opens that got a port of the parity that
	// connect() tries only when it finds no port of the first: more than half is in use.
	SecondParity float64

	Holders      []Holder  // most ports first, bounded
	OtherHolders HeldCount // the rest
	Victims      []Victim  // most failures first, bounded

	// Map is nil unless the space is one of the fullest, had calls that found no port, or is in
	// the Focus; and of UDP, whose ports are counted only.
	Map *PortMap
	// Fill is each of the last HistorySeconds whole seconds, newest last; nil of a space of which
	// never 5 % was in use in that time, and no call found no port. It begins when that first was so.
	Fill []FillPoint
	// The same by program: summed up before the lists above are cut.
	Programs       []ProgramHolder // most ports first, bounded
	OtherPrograms  HeldCount       // the rest
	VictimPrograms []ProgramVictim // most failures first, bounded
}

// Holder is a process and the ports of a space that it holds.
type Holder struct {
	Proc event.Process
	HeldCount
	// Held is which ports these are; nil unless the space has a Map.
	Held *HeldPorts
}

// HeldCount is how many ports are held. Of holders that are only summed up a space has nothing else: as
// a Holder that would be a third of the memory of a snapshot with a thousand spaces.
type HeldCount struct {
	Live      int
	CloseWait int // of Live
	TimeWait  int
	Bound     int
	Before    int // of all of these: held by sockets from before start
}

// Ports returns how many ports these are.
func (c *HeldCount) Ports() int { return c.Live + c.TimeWait + c.Bound }

// Add adds the ports of another holder.
func (c *HeldCount) Add(o *HeldCount) {
	c.Live += o.Live
	c.CloseWait += o.CloseWait
	c.TimeWait += o.TimeWait
	c.Bound += o.Bound
	c.Before += o.Before
}

// Victim is a process that found no port.
type Victim struct {
	Proc     event.Process
	Failures uint64
	Last     time.Time
}

// Forecast is when a space will be full.
type Forecast struct {
	Known bool // if false there is no forecast, and the rest is zero
	Never bool // at this rate it settles below the capacity
	ETA   time.Duration
	// The interval that follows from the spread of the rate; High is negative for never.
	Low, High time.Duration
	Model     string // what was assumed, in a line
}

// Namespace is a network namespace and its settings for the allocation of ports.
type Namespace struct {
	Inode       uint32
	Name        string
	Gone        bool            // it exists no more; it is listed for a minute
	Ports       event.PortRange // zero: the settings are unknown
	Reserved    string
	Capacity    int // ports of the range that are not reserved
	Reuse       uint8
	TimeWait    int64 // buckets that the kernel counts, -1: unknown
	MaxTimeWait int64
	Timestamps  event.Setting // net.ipv4.tcp_timestamps
	FinTimeout  time.Duration // net.ipv4.tcp_fin_timeout; 0: unknown
	// TimeWaitLength is how long a TIME_WAIT bucket lives: 60 s, or what its timers have shown.
	TimeWaitLength time.Duration
	Refused        uint64 // buckets that MaxTimeWait refused since Started, if RefusedKnown
	RefusedKnown   bool
	Bound          int // ports of the range that a bind() owns

	// Settings that explain failures, and the counts of the kernel.
	NonlocalBind     event.Setting     // net.ipv4.ip_nonlocal_bind
	UnprivilegedPort event.Counter     // net.ipv4.ip_unprivileged_port_start
	MaxOrphans       event.Counter     // net.ipv4.tcp_max_orphans
	TCPMem           [3]uint64         // net.ipv4.tcp_mem, pages; zero: unknown
	TimeWaitSetting  time.Duration     // net.ipv4.tcp_tw_timeout; 0: this kernel has none
	Counts           event.NetnsCounts // the newest reading
	// Counted is by how much each counter of Counts has grown since Started, or since the first
	// reading that had it if that came later: never too much. Its gauges (Orphans, MemPages,
	// Conntrack.Entries, Conntrack.Max) are the highest readings since then.
	Counted   event.NetnsCounts
	CountedAt time.Time // of the newest reading; zero: there is none
	// Listeners are those that listen at a port of the range that is not reserved, so that an
	// outgoing connection can have it when they start again: by port, bounded.
	Listeners      []Listener
	OtherListeners int // how many there is no room for
	// Servers are those that listen at another port, bounded, by port.
	Servers []Listener
	// ListenPorts are the ports at which sockets listen, in the range or not.
	ListenPorts event.PortSet

	LastScan     time.Time // the end of the last scan of all its sockets; zero: never
	LastScanTook time.Duration
	BoundKnown   bool // scans show sockets that are only bound
}

// Listener is a socket that listens.
type Listener struct {
	Local event.Endpoint
	Proc  event.Process
}

// Namespace returns the network namespace with that inode, nil if it is unknown.
func (s *Snapshot) Namespace(inode uint32) *Namespace {
	for i := range s.Namespaces {
		if s.Namespaces[i].Inode == inode {
			return &s.Namespaces[i]
		}
	}
	return nil
}
