package snapshot

import (
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// SpaceKind is which call allocates from a space.
type SpaceKind string

const (
	// ConnectSpace is what connect() without a bound port allocates from: the ports of one local
	// address towards one remote address and port.
	ConnectSpace SpaceKind = "connect"
	// BindSpace is what bind() to port 0 allocates from: the ports of one local address.
	BindSpace SpaceKind = "bind"
)

// PortSpace is one row: a set of ports and what occupies it. Its figures count ports
// inside the range, each once, whatever a filter selects.
type PortSpace struct {
	Kind           SpaceKind
	Netns          uint32
	NetnsName      string
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

	Peak      int // the most that was in use at a time since Started
	PeakAt    time.Time
	FullSince time.Time // since when no port is left; zero: one is
	// FullBeforeStart says that it was full when the trace began; since when is not known.
	FullBeforeStart bool

	Opens       uint64  // since Started
	OpenRate    float64 // per second; the Forecast assumes it
	Wanted      float64 // OpenRate and the calls that found no port, per second
	Sustainable float64 // opens per second that the space can serve indefinitely; 0: not known, or not limited by ports
	Textbook    float64 // the textbook figure for that: Capacity / 60 s
	Forecast    Forecast

	Exhausted      uint64 // calls that failed for want of a port, since Started
	ExhaustionRate float64
	LastExhausted  time.Time

	SearchP50 time.Duration // in the port search of connect(); 0: not measured
	SearchP99 time.Duration
	// SecondParity is the share of the newest opens that got a port of the parity that
	// connect() tries only when it finds no port of the first: more than half is in use.
	SecondParity float64

	Holders      []Holder // processes that hold the ports, most first, bounded
	OtherHolders Holder   // the rest
	Victims      []Victim // processes that get none, most failures first, bounded
}

// Holder is a process and the ports of a space that it holds.
type Holder struct {
	Proc      event.Process
	Live      int
	CloseWait int // of Live
	TimeWait  int
	Bound     int
	Before    int // of all of these: held by sockets that are older than the trace
}

// Ports returns how many it holds.
func (h *Holder) Ports() int { return h.Live + h.TimeWait + h.Bound }

// Victim is a process that found no port.
type Victim struct {
	Proc     event.Process
	Failures uint64
	Last     time.Time
}

// Forecast is when a space will be full.
type Forecast struct {
	Known bool // otherwise nothing can be said, and the rest is zero
	Never bool // not at this rate: it settles below the capacity
	ETA   time.Duration
	// With the rate's own variance; High is negative for never.
	Low, High time.Duration
	Model     string // what was assumed, in a line
}

// Namespace is a network namespace as it allocates ports.
type Namespace struct {
	Inode       uint32
	Name        string
	Ports       event.PortRange // zero: the configuration is not known
	Reserved    string
	Capacity    int // ports of the range that are not reserved
	Reuse       uint8
	TimeWait    int64 // buckets that the kernel counts, -1: not known
	MaxTimeWait int64
	Bound       int // ports of the range that a bind() owns
	// How its sockets are seen: exact with programs in the kernel, polled without.
	LastScan     time.Time // when all its sockets were last scanned; zero: never
	LastScanTook time.Duration
	BoundKnown   bool // ports that only a bind() holds are seen
}

// Namespace returns the network namespace of that inode, nil if nothing is known of it.
func (s *Snapshot) Namespace(inode uint32) *Namespace {
	for i := range s.Namespaces {
		if s.Namespaces[i].Inode == inode {
			return &s.Namespaces[i]
		}
	}
	return nil
}
