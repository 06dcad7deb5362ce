package aggregate

import (
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// netnsCounts is what the kernel has counted in a namespace.
type netnsCounts struct {
	newest event.NetnsCounts
	at     event.Time
	// before has the counters as they were when the counting began, or in the first reading
	// that had them: what is counted from there is never too much.
	before  event.NetnsCounts
	highest event.NetnsCounts // the gauges since then
}

// takeCounts takes a reading. One that is less than the one before is of another namespace
// with that inode.
func (s *State) takeCounts(fact *event.NetnsCounts) {
	c := s.counts[fact.Netns]
	if c == nil || !fact.After(&c.newest) {
		c = &netnsCounts{}
		s.counts[fact.Netns] = c
	}
	c.newest, c.at = *fact, s.now
	old := c.before.Counters()
	for i, counter := range c.newest.Counters() {
		if !old[i].Known() {
			*old[i] = *counter
		}
	}
	c.raise()
}

// raise takes the gauges of the newest reading.
func (c *netnsCounts) raise() {
	highest := c.highest.Gauges()
	for i, gauge := range c.newest.Gauges() {
		*highest[i] = max(*highest[i], *gauge)
	}
}

// restart begins to count with the newest reading.
func (c *netnsCounts) restart() {
	c.before, c.highest = c.newest, event.NetnsCounts{}
	c.raise()
}

// counted returns by how much the counters have grown, and the highest gauges.
func (c *netnsCounts) counted() event.NetnsCounts {
	since := c.highest
	since.Netns, since.Conntrack.NAT = c.newest.Netns, c.newest.Conntrack.NAT
	grown, old := since.Counters(), c.before.Counters()
	for i, counter := range c.newest.Counters() {
		if counter.Known() {
			*grown[i] = event.CounterOf(counter.Since(*old[i]))
		}
	}
	return since
}

// addCounts adds to the row of a namespace what the kernel has counted in it.
func (s *State) addCounts(row *snapshot.Namespace) {
	if c := s.counts[row.Inode]; c != nil {
		row.Counts, row.Counted, row.CountedAt = c.newest, c.counted(), wallTime(s.world.Clock, c.at)
	}
}
