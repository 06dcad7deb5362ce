// Package whatif answers what a change would do to a load: it runs connections, recorded or
// made up, against a model of how an operating system allocates ports. It is pure: it has no
// clock and does no I/O.
package whatif

import "time"

// Scope is for what a port is taken.
type Scope uint8

const (
	PerTuple Scope = iota // local address, remote address, remote port (Linux connect())
	PerLocal              // local address (bind() to port 0, Windows, macOS)
)

// System is how an operating system allocates ports, and its limits.
type System struct {
	Ports      int           // of the range, without reserved ones
	TimeWait   time.Duration // for how long a closed connection takes its port
	Scope      Scope
	Reuse      bool          // a port in TIME_WAIT can be taken again towards the same end
	ReuseDelay time.Duration // after this
	Sources    int           // local addresses in use, at least 1
}

// Load is connections of one kind.
type Load struct {
	Rate         float64       // opens per second
	Lifetime     time.Duration // mean, of a connection
	Concurrency  int           // at most so many connections at a time, as a pool has; 0: no limit
	Destinations int           // remote ends over which they are spread evenly, at least 1
	ServerCloses float64       // share of connections that the peer closes first: no TIME_WAIT here
	Requests     int           // per connection, as keep-alive makes them; 0 or 1: one
	Duration     time.Duration
}

// Result is what the simulation says.
type Result struct {
	Survives     bool
	FirstFailure time.Duration // negative: none
	Failures     uint64
	Peak         int     // most ports in use at a time, of one port space
	Capacity     int     // ports of one port space
	Sustainable  float64 // opens per second that all port spaces can serve for ever; 0: no limit known
}

// Simulate runs the load against the system.
func Simulate(System, Load) Result { return Result{} }
