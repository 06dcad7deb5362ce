// Package snapshot is the one view of the state that every output reads: the
// screen, the reports, later the metrics. A Snapshot never changes once it is
// made, so it can be read from any goroutine.
package snapshot

import (
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// Snapshot is everything that is known at one moment of the stream.
type Snapshot struct {
	At      event.Time // the moment in stream time
	Wall    time.Time  // the same on the wall clock
	Started time.Time  // since when is counted, on the wall clock
	Elapsed time.Duration

	Host    event.Host
	Clock   event.Clock // turns stream time and start ticks into wall time
	Signals event.Signals
	Health  event.Health // its counts are since Started, of the whole host
	// Filtered says that a filter has left something out, and SelectedEvents how many of
	// Health.Events it has not.
	Filtered       bool
	SelectedEvents uint64
	// SocketLimit is how many sockets are followed, if there are more: what is counted of them is a
	// lower bound. 0: all are.
	SocketLimit  int
	Notices      []Notice      // newest last, bounded
	DetailLimits []DetailLimit // those that go on first, then the newest; bounded

	Gaps      []Gap  // what is missing, newest last, bounded
	OlderGaps uint64 // those that Gaps has no room for

	Totals  Totals // of what the filter selects
	Rates   Rates  // over the last RateWindow
	History History
	// Worst and Sockets are each of the last HistorySeconds whole seconds since Started, newest
	// last, of what the filter selects.
	Worst   []WorstPoint
	Sockets []SocketPoint

	Processes    []Process
	Destinations []Destination
	Failures     []Failure
	PortSpaces   []PortSpace // fullest first, bounded
	Namespaces   []Namespace
	// Rows beyond the table's bounds are summed up in one; nil when all fit.
	OtherProcesses    *Process
	OtherDestinations *Destination
	OtherPortSpaces   int             // how many there is no room for
	OtherSpaces       event.Occupancy // of these, summed up; a sum of capacities says nothing
	OtherFailures     *Failure        // of several processes, calls and targets
	Sweeps            []Sweep         // most failures first, bounded
	// ProgramFailures are the failures by program, counted before Failures lost any row: most
	// first, bounded. See FailuresByProgram.
	ProgramFailures []ProgramFailure

	// RecentEvents are the newest events of selected sockets, newest last. EventsLeftOut is how many
	// since Started were left out, because there were too many in their second.
	RecentEvents  []RecentEvent
	EventsLeftOut uint64

	// What groups are made from besides Processes: all connections by process and
	// destination, most opens first, bounded; and what has no row of its own.
	Pairs     []Pair
	Past      []Past
	PastPairs []PastPair
}

// RateWindow is the time over which the rates of a snapshot are taken.
const RateWindow = 5 * time.Second

// HistorySeconds is how many seconds of per-second history a row and the whole keep.
const HistorySeconds = 120

// Notice is one line for the user and when it arose.
type Notice struct {
	At   time.Time
	Text string
}

// Totals are counts since Started, and gauges of now.
type Totals struct {
	// LiveBefore is how many outgoing connections were open when the counting began. It
	// can be negative for a moment: a Close that is delivered one by one comes before
	// the Folded that counts its Open.
	LiveBefore int64
	// EndedUnseen is how many outgoing connections ended without an event: a scan has found
	// them gone. It can be negative for a moment, as a scan finds connections sooner than the
	// sum that holds their opens comes.
	EndedUnseen int64
	BeforeStart int64 // gauge: connections and TIME_WAIT buckets that are older than the trace

	Opens           uint64
	ClosesOut       uint64
	ResetsOut       uint64 // of ClosesOut: this end sent a RST, as close() does with SO_LINGER 0 (socket(7))
	ClosesIn        uint64
	ClosesUnknown   uint64 // of sockets that existed before the start
	ConnectFailures uint64 // all
	FailedOpens     uint64 // of ConnectFailures: those whose SYN had been sent, and so had an Open
	Binds           uint64
	BindFailures    uint64

	TimeWaitEntered uint64 // outbound and inbound
	TimeWaitOut     int64  // gauge: buckets that hold an ephemeral port of this host
	TimeWaitIn      int64  // gauge: buckets of accepted connections; they take no ephemeral port
	TimeWaitOther   int64  // gauge: buckets the kernel counts of which no connection is known
	SynSent         int64  // gauge: outgoing connections whose SYN had to be sent again
	CloseWait       int64  // gauge: the peer has closed, the owner has not

	// Unlisted is how many of Opens, Closes and Binds were only counted, and not listed one by one:
	// LifetimeP50 and LifetimeP99 are those of the others.
	Unlisted uint64

	LifetimeP50 time.Duration // of outgoing connections that ended; 0 when none did
	LifetimeP99 time.Duration
}

// Closes are all of them.
func (t *Totals) Closes() uint64 { return t.ClosesOut + t.ClosesIn + t.ClosesUnknown }

// Live is the number of outgoing connections that are open: every Open ends in a Close or
// in a ConnectFail with a port, or unseen.
func (t *Totals) Live() int64 {
	return t.LiveBefore + int64(t.Opens) - int64(t.ClosesOut) - int64(t.FailedOpens) - t.EndedUnseen
}

// TimeWait is the backlog that is known by its owner.
func (t *Totals) TimeWait() int64 { return t.TimeWaitOut + t.TimeWaitIn }

// Failed is every failure.
func (t *Totals) Failed() uint64 { return t.ConnectFailures + t.BindFailures }

// Rates are per second.
type Rates struct {
	Opens    float64
	Closes   float64
	Failures float64
}

// Process is one row: what a process did with ports.
type Process struct {
	Info event.Process
	Totals
	Rates   Rates
	History History
	First   time.Time // first event since Started; zero without any
	Last    time.Time // last event
	// Destinations of this process, most opens first, bounded.
	Destinations []Pair
	Lifetimes    Lifetimes // those of which Totals has quantiles
	// Files is how many file descriptors it has open: known of a process whose calls fail, or
	// that is near its limit; nil of others. Of a process that has ended it is the last count.
	Files *event.FileUse
	// EarlyBinds are opens whose port a bind() had chosen before connect(): without
	// IP_BIND_ADDRESS_NO_PORT that port is lost to all destinations. Folded opens of recordings of
	// earlier versions do not say how they got their ports.
	EarlyBinds uint64
	// OwnPorts is the block of ports that its connections have and that it has bound without a gap:
	// it chooses them itself. Nil if it does not.
	OwnPorts *OwnPorts
}

// OwnPorts is a block of ports, smaller than the port range, that one process has bound port by
// port, as HAProxy does with source ADDRESS:LOW-HIGH.
type OwnPorts struct {
	Netns     uint32
	Local     event.Addr
	Low, High uint16
	Open      int       // ports with a socket that is open; the others are in TIME_WAIT
	Ended     time.Time // when an outgoing connection of the process ended last; zero: none has
}

// Size returns how many ports it is.
func (o *OwnPorts) Size() int { return int(o.High) - int(o.Low) + 1 }

// Destination is one row: a remote address and port within a network namespace.
// Its totals hold every socket towards it, whatever a filter selects.
type Destination struct {
	Netns     uint32
	NetnsName string
	NetnsGone bool // the namespace exists no more
	Proto     event.Proto
	Remote    event.Endpoint
	Totals
	Rates   Rates
	History History
	First   time.Time
	Last    time.Time
	// Processes that connect to it, most opens first, bounded. Only selected ones.
	Processes []Pair
}

// Pair is what one process did towards one destination.
type Pair struct {
	Proc      event.ProcID
	Comm      string
	Exe       string
	Script    string
	Netns     uint32
	NetnsName string
	NetnsGone bool
	Proto     event.Proto
	Remote    event.Endpoint
	Totals
	Lifetimes Lifetimes
}

// Process returns the process with what a Pair says of it.
func (p *Pair) Process() event.Process {
	return event.Process{ID: p.Proc, Comm: p.Comm, Exe: p.Exe, Script: p.Script}
}

// Failure is one row: calls that failed in the same way.
type Failure struct {
	Proc      event.Process
	Netns     uint32
	NetnsName string
	NetnsGone bool // the namespace exists no more
	Proto     event.Proto
	Op        event.Op
	Errno     event.Errno
	Reason    event.Reason
	Inferred  event.Field
	// What was asked for: the destination of a connect(), the address of a bind(). See TargetKnown.
	Target event.Endpoint
	// The newest local address, with its port if one had been taken.
	Local event.Endpoint
	// HeldBy is the socket that was in the way of the newest of these calls; nil if it is unknown
	// or none was.
	HeldBy *HeldBy
	Count  uint64
	// Of Count: connects whose SYN was retransmitted, after a second without an answer.
	Resent uint64
	Rate   float64 // per second over RateWindow
	First  time.Time
	Last   time.Time
}

// TargetKnown reports whether the Target was asked for. Calls that were counted without their targets,
// because those were too many, have a row of their own: no connect() is towards the zero address.
func (f *Failure) TargetKnown() bool { return f.Op != event.OpConnect || f.Target.Known() }

// HeldBy is the socket that has a port, or a 4-tuple, that a failed call wanted.
type HeldBy struct {
	event.Holder
	Info   event.Process // of Proc
	FreeIn time.Duration // until the timer of a bucket frees the port; negative: only the process does
}

// Harmless reports whether these are connects that were given up so early that an answer may
// have been on its way: a client that tries two addresses at once drops the slower one.
func (f *Failure) Harmless() bool { return f.Reason == event.GivenUp && f.Resent == 0 }
