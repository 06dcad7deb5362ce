package snapshot

import (
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// Sweep is the calls of one process that failed in the same way for many targets: a scan, or
// a client whose servers are all gone.
type Sweep struct {
	Proc      event.Process
	Netns     uint32
	NetnsName string
	Proto     event.Proto
	Op        event.Op
	Errno     event.Errno
	Reason    event.Reason
	Targets   int  // different ones
	Estimated bool // Targets is accurate to some percent only
	Count     uint64
	Rate      float64 // per second over RateWindow
	First     time.Time
	Last      time.Time
}

// SweepTargets is from how many targets on failures are a sweep.
const SweepTargets = 32
