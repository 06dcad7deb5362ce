package snapshot

// Sweep is the calls of one process that failed in the same way for many targets: a scan, or
// a client whose servers are all gone. Its Failure has no target and no local endpoint.
type Sweep struct {
	Failure
	Targets   int  // different ones
	Estimated bool // Targets is accurate to some percent only
}

// SweepTargets is from how many targets on failures are a sweep.
const SweepTargets = 32
