package snapshot

import (
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// DetailLimit is a pair of a process and an end of which events were only counted while there were too
// many, but for a sample of connections: its counts are exact, what follows from single events
// (lifetimes, port searches) is that of the sample.
type DetailLimit struct {
	Proc      event.Process
	Netns     uint32
	NetnsName string
	Proto     event.Proto
	Direction event.Direction
	End       event.Endpoint // the destination; of accepted connections the local end
	Limit     uint64         // events per second
	Since     time.Time      // the first time
	Until     time.Time      // zero: it goes on
	Times     int            // how often it was limited
	Counted   uint64         // events since Started that were only counted
}

// LimitedPairs sums up all pairs that a filter selects, those that are not listed, too.
type LimitedPairs struct {
	All, Now int // how many were limited since Started, and are
	Counted  uint64
}

// OtherLimits returns how many pairs follow the first ones, and how many events were counted of them.
func (s *Snapshot) OtherLimits(listed int) (pairs int, events uint64) {
	events = s.Limited.Counted
	for i := range s.DetailLimits[:listed] {
		events -= s.DetailLimits[i].Counted
	}
	return s.Limited.All - listed, events
}
