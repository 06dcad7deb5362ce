package event

// Counters returns the counts that only grow, in a fixed order: of each, the difference
// between two readings is what happened between them.
func (c *NetnsCounts) Counters() []*Counter {
	return []*Counter{
		&c.TimeWaits, &c.TimeWaitsRecycled, &c.TimeWaitOverflows, &c.ListenOverflows, &c.ListenDrops, &c.MemoryAborts,
		&c.AttemptFails, &c.SynRetransmits, &c.RequestDrops, &c.RequestCookies, &c.MemoryPressures,
		&c.Conntrack.InsertFailed, &c.Conntrack.Drops, &c.Conntrack.EarlyDrops,
	}
}

// Gauges returns the values of the moment, in a fixed order.
func (c *NetnsCounts) Gauges() []*Counter {
	return []*Counter{&c.Orphans, &c.MemPages, &c.Conntrack.Entries, &c.Conntrack.Max}
}

// After reports whether c can be a later reading of the namespace that before is of: no
// count has shrunk. If one has, the inode belongs to another namespace now.
func (c *NetnsCounts) After(before *NetnsCounts) bool {
	old := before.Counters()
	for i, counter := range c.Counters() {
		if counter.Known() && *counter < *old[i] {
			return false
		}
	}
	return true
}
