// Package whatif answers what a change would do to a load: it runs connections, recorded or
// made up, against a model of how an operating system allocates ports. It is pure: it has no
// clock and does no I/O.
//
// The engine (engine.go) is the model of one host: which port a connection gets, when it is
// released, which limits refuse it. It is driven by a made-up load (drive.go) or by the events
// of a recording (replay.go). Time is simulated, from 0 on. Memory grows with the ports in use,
// not with the connections.
package whatif

import "time"

// Scope is for what a port is taken.
type Scope uint8

const (
	PerTuple Scope = iota // local address, remote address, remote port (Linux connect())
	PerLocal              // local address (bind() to port 0, Windows)
	PerHost               // the host (macOS): one pool, whatever the addresses
)

// System is how an operating system allocates ports, and its limits. What is zero is no limit.
type System struct {
	Ports      int           // of the range, without reserved ones
	TimeWait   time.Duration // for how long a closed connection takes its port
	Scope      Scope
	Reuse      bool          // a port in TIME_WAIT can be taken again towards the same end
	ReuseDelay time.Duration // after this, or later: see ReuseStep
	Sources    int           // local addresses in use, at least 1

	// TimerStep is the step of the kernel's timer wheel for a timer of TimeWait: the expiry is
	// at the next step, TimerPhase apart from the beginning. 0: exactly after TimeWait.
	TimerStep, TimerPhase time.Duration
	// ReuseStep is 1 s on kernels before 6.14: they compare whole seconds, so that a port can be
	// reused from the next step on, ReusePhase apart from the beginning. 0: exactly after
	// ReuseDelay.
	ReuseStep, ReusePhase time.Duration
	// MaxTimeWait is tcp_max_tw_buckets: beyond it a closed connection leaves no TIME_WAIT.
	MaxTimeWait int
	// PeerReuse says that a port in TIME_WAIT is free at once towards another end (Windows
	// Server 2003 SP1). Only of a Scope that is not PerTuple.
	PeerReuse bool
	// MaxConnections bounds connections (TcpNumConnections), MaxTCBs those and TIME_WAIT
	// together (MaxFreeTcbs).
	MaxConnections, MaxTCBs int
	// MaxFreeTimeWait is MaxFreeTWTcbs: if more are in TIME_WAIT, those older than 60 s are free.
	MaxFreeTimeWait int
	// HalfOpen bounds the unanswered SYNs: further connects wait.
	HalfOpen int
	// KeepAlive is for how long a connection whose peer has vanished keeps its port; 0: until
	// the end.
	KeepAlive time.Duration
	// Parity says that connect() takes every second port of the range first, and bind() the
	// others, as Linux does. It changes which port a call gets, not how many there are.
	Parity bool
}

// Load is connections of one kind.
type Load struct {
	Rate         float64       // opens per second; with Requests, requests per second. 0: see Concurrency
	Lifetime     time.Duration // mean, of a connection; with Requests, of one request
	Concurrency  int           // at most N connections at a time, as a pool has; 0: no limit
	Destinations int           // remote ends over which they are spread evenly, at least 1
	ServerCloses float64       // share of connections that the peer closes first: no TIME_WAIT here
	Requests     int           // per connection, as keep-alive makes them; 0 or 1: one
	Duration     time.Duration

	// Count ends the load after that many opens (with Requests: requests); 0: no end. Without a
	// Rate, Concurrency workers (at least one) each begin the next when the one before has ended.
	Count uint64
	// Exponential says that lifetimes are distributed so; Lifetimes, if there are any, are
	// observed ones to choose from. Otherwise all are Lifetime.
	Exponential bool
	Lifetimes   []time.Duration
	Poisson     bool   // opens come at random, not evenly
	Seed        uint64 // of all that is random: the same seed gives the same result

	EarlyBind  float64       // share of connections that bind() before they connect
	Handshake  time.Duration // from the SYN to its answer
	Unanswered float64       // share of SYNs without an answer
	GiveUp     time.Duration // after which those are given up
	Dead       float64       // share of connections whose peer vanishes without a FIN
}

// Cause is what refused a connection.
type Cause uint8

const (
	NoCause        Cause = iota
	NoPort               // every port is taken
	TooManyTCBs          // System.MaxTCBs
	TooManyConnect       // System.MaxConnections
)

// String returns the name used in output.
func (c Cause) String() string {
	return [...]string{"", "range_exhausted", "tcb_limit", "connection_limit"}[c]
}

// Result is what the simulation says.
type Result struct {
	Survives     bool
	FirstFailure time.Duration // negative: none
	Failures     uint64        // of Opens
	Peak         int           // most ports in use at a time, of one port space. Reusable ones are not in use
	Capacity     int           // ports of one port space
	Sustainable  float64       // opens per second that all port spaces can serve indefinitely; 0: no limit known

	Cause       Cause         // of the first failure
	Opens       uint64        // connections that were tried
	Requests    uint64        // that were begun; without Load.Requests the same
	Spaces      int           // port spaces in use
	Duration    time.Duration // simulated
	MostWaiting uint64        // requests that waited for a connection or for their SYN, at a time
	Overflows   uint64        // connections that left no TIME_WAIT for System.MaxTimeWait
	MostBuckets int           // most ports in TIME_WAIT at a time, of the host
	Unplaced    uint64        // of a recording: sockets whose open is not recorded that have no port. They are not in Opens
	Where       string        // of a recording: which port space failed first
}

// Headroom returns the number of ports that were always free.
func (r *Result) Headroom() int { return max(r.Capacity-r.Peak, 0) }

// Simulate runs the load against the system.
func Simulate(system System, load Load) Result {
	d := newDriver(system.normal(), load.normal().withWorkers())
	d.run()
	return d.result()
}

func (s System) normal() System {
	s.Sources = max(s.Sources, 1)
	s.Ports = max(s.Ports, 0)
	return s
}

// shortest is the lifetime of the connections of workers without one: something must pass
// between two of them.
const shortest = time.Millisecond

func (l Load) normal() Load {
	l.Destinations = max(l.Destinations, 1)
	l.Requests = max(l.Requests, 1)
	l.Rate = max(l.Rate, 0)
	return l
}

// withWorkers returns the load with what a simulation needs if there is no rate.
func (l Load) withWorkers() Load {
	if l.Rate == 0 {
		l.Concurrency = max(l.Concurrency, 1)
		if l.Lifetime <= 0 && len(l.Lifetimes) == 0 {
			l.Lifetime = shortest
		}
	}
	return l
}
