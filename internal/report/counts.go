package report

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/printable"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// counters is by how much the kernel's counters of a namespace have grown since the start
// of the window, or since the first reading in it; null: unknown.
type counters struct {
	TimeWaits         *uint64 `json:"time_waits"`          // TW of /proc/net/netstat
	TimeWaitsRecycled *uint64 `json:"time_waits_recycled"` // TWRecycled
	TimeWaitOverflows *uint64 `json:"time_wait_overflows"` // TCPTimeWaitOverflow
	ListenOverflows   *uint64 `json:"listen_overflows"`    // ListenOverflows
	ListenDrops       *uint64 `json:"listen_drops"`        // ListenDrops
	MemoryAborts      *uint64 `json:"memory_aborts"`       // TCPAbortOnMemory
	AttemptFails      *uint64 `json:"attempt_fails"`       // AttemptFails of /proc/net/snmp
	SynRetransmits    *uint64 `json:"syn_retransmits"`     // TCPSynRetrans
	RequestDrops      *uint64 `json:"request_drops"`       // TCPReqQFullDrop
	RequestCookies    *uint64 `json:"request_cookies"`     // TCPReqQFullDoCookies
	MemoryPressures   *uint64 `json:"memory_pressures"`    // TCPMemoryPressures
}

// conntrack is the connection tracking of a namespace. Entries is the most that there were.
type conntrack struct {
	Entries      *uint64 `json:"entries"`
	Max          *uint64 `json:"max"` // net.netfilter.nf_conntrack_max
	InsertFailed *uint64 `json:"insert_failed"`
	Drops        *uint64 `json:"drops"`
	EarlyDrops   *uint64 `json:"early_drops"`
	NAT          *bool   `json:"nat"` // the namespace can translate source addresses
}

func newCounters(c *event.NetnsCounts) counters {
	return counters{
		TimeWaits: knownCount(c.TimeWaits), TimeWaitsRecycled: knownCount(c.TimeWaitsRecycled), TimeWaitOverflows: knownCount(c.TimeWaitOverflows),
		ListenOverflows: knownCount(c.ListenOverflows), ListenDrops: knownCount(c.ListenDrops), MemoryAborts: knownCount(c.MemoryAborts),
		AttemptFails: knownCount(c.AttemptFails), SynRetransmits: knownCount(c.SynRetransmits), RequestDrops: knownCount(c.RequestDrops),
		RequestCookies: knownCount(c.RequestCookies), MemoryPressures: knownCount(c.MemoryPressures),
	}
}

// newConntrack returns nil if nothing is known of it: the kernel does not track connections.
func newConntrack(c *event.Conntrack) *conntrack {
	if *c == (event.Conntrack{}) {
		return nil
	}
	out := &conntrack{
		Entries: knownCount(c.Entries), Max: knownCount(c.Max), InsertFailed: knownCount(c.InsertFailed), Drops: knownCount(c.Drops), EarlyDrops: knownCount(c.EarlyDrops),
	}
	if c.NAT.Known() {
		can := c.NAT.Value() != 0
		out.NAT = &can
	}
	return out
}

// knownCount returns nil for a count that is not known.
func knownCount(c event.Counter) *uint64 {
	if !c.Known() {
		return nil
	}
	n := c.Value()
	return &n
}

// writeCounts writes what the kernel has counted in the namespaces and what matters: nothing
// on a healthy host.
func writeCounts(out *bytes.Buffer, list []snapshot.Namespace) {
	more := 0
	for i, all := range countsOf(list) {
		if i >= topNamespaces {
			more++
			continue
		}
		out.WriteString("\n")
		for _, line := range all {
			fmt.Fprintf(out, "  %s\n", line)
		}
	}
	if more > 0 {
		fmt.Fprintf(out, "  and of %d more namespaces\n", more)
	}
}

// countsOf returns the lines of each namespace that has any.
func countsOf(list []snapshot.Namespace) (all [][]string) {
	for i := range list {
		n := &list[i]
		var lines []string
		for _, line := range phrase.Counted(n) {
			lines = append(lines, printable.String(phrase.NetnsState(n.Name, n.Inode, n.Gone))+": "+line)
		}
		if len(lines) > 0 {
			all = append(all, lines)
		}
	}
	return all
}

// countLines returns those of the first namespaces as one list.
func countLines(list []snapshot.Namespace) []string {
	all := countsOf(list)
	return slices.Concat(all[:min(len(all), topNamespaces)]...)
}
