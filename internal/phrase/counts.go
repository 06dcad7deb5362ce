package phrase

import (
	"fmt"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// fullTracking is the share of nf_conntrack_max from which on a table is worth a line.
const fullTracking = 0.9

// Counted returns what the kernel has counted in the namespace since the start and what an
// engineer should know of: something was dropped or ended early. Empty of a healthy one.
func Counted(n *snapshot.Namespace) (lines []string) {
	c := &n.Counted
	add := func(count event.Counter, one, many string) {
		switch grown := count.Value(); grown {
		case 0:
		case 1:
			lines = append(lines, "1 "+one)
		default:
			lines = append(lines, Grouped(grown)+" "+many)
		}
	}
	add(c.ListenOverflows, "time the accept queue of a listener was full (ListenOverflows)",
		"times the accept queue of a listener was full (ListenOverflows)")
	if c.ListenDrops > c.ListenOverflows && c.ListenOverflows.Known() {
		add(event.CounterOf(uint64(c.ListenDrops-c.ListenOverflows)), "SYN to a listener was dropped for another reason (ListenDrops)",
			"SYNs to listeners were dropped for other reasons (ListenDrops)")
	}
	add(c.RequestDrops, "SYN was dropped: the SYN queue was full (TCPReqQFullDrop)", "SYNs were dropped: the SYN queue was full (TCPReqQFullDrop)")
	add(c.RequestCookies, "SYN was answered with a SYN cookie: the SYN queue was full (TCPReqQFullDoCookies)",
		"SYNs were answered with SYN cookies: the SYN queue was full (TCPReqQFullDoCookies)")
	add(c.MemoryAborts, "connection was ended for lack of TCP memory or too many orphans (TCPAbortOnMemory)",
		"connections were ended for lack of TCP memory or too many orphans (TCPAbortOnMemory)")
	add(c.MemoryPressures, "time TCP came under memory pressure (TCPMemoryPressures)", "times TCP came under memory pressure (TCPMemoryPressures)")
	add(c.Conntrack.Drops, "packet was dropped by nf_conntrack (drop)", "packets were dropped by nf_conntrack (drop)")
	add(c.Conntrack.EarlyDrops, "entry of nf_conntrack was dropped to make room (early_drop)",
		"entries of nf_conntrack were dropped to make room (early_drop)")
	add(c.Conntrack.InsertFailed, "entry of nf_conntrack could not be inserted (insert_failed)",
		"entries of nf_conntrack could not be inserted (insert_failed)")
	if full := trackingFull(c); full != "" {
		lines = append(lines, full)
	}
	return lines
}

// trackingFull returns how full the table of nf_conntrack was, if that is nearly all of it.
func trackingFull(c *event.NetnsCounts) string {
	entries, most := c.Conntrack.Entries, c.Conntrack.Max
	if !entries.Known() || !most.Known() {
		return ""
	}
	had, limit := entries.Value(), most.Value()
	if limit == 0 || float64(had) < fullTracking*float64(limit) {
		return ""
	}
	return fmt.Sprintf("nf_conntrack had up to %s entries, at most %s fit (nf_conntrack_max)", Grouped(had), Grouped(limit))
}

// TimeWaitLength returns how long a TIME_WAIT bucket of the namespace lives, and which setting
// makes it so.
func TimeWaitLength(n *snapshot.Namespace) string {
	const tolerance = 3 * time.Second // of what the timers show
	text := ShortDuration(n.TimeWaitLength)
	switch set := n.TimeWaitSetting; {
	case set == 0:
	case (set - n.TimeWaitLength).Abs() <= tolerance:
		text += " (net.ipv4.tcp_tw_timeout)"
	default:
		text += " by its timers (net.ipv4.tcp_tw_timeout is " + ShortDuration(set) + ")"
	}
	return text
}
