package snapshot

import (
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// DetailLimit is a time in which there were too many events, and those of a process and one end were only
// counted, but for a sample of connections: its counts are exact, what follows from single events
// (lifetimes, port searches) is that of the sample.
type DetailLimit struct {
	Proc      event.Process
	Netns     uint32
	NetnsName string
	Proto     event.Proto
	Direction event.Direction
	End       event.Endpoint // the destination; of accepted connections the local end
	Limit     uint64         // events per second
	Since     time.Time
	Until     time.Time // zero: it goes on
	Counted   uint64    // events since Started that were only counted
}

// LimitedNow returns how many of the limits go on.
func (s *Snapshot) LimitedNow() int {
	n := 0
	for i := range s.DetailLimits {
		if s.DetailLimits[i].Until.IsZero() {
			n++
		}
	}
	return n
}
