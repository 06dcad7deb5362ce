package portspace

import (
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// Netns is a network namespace: the range that its spaces share, and its bind tables.
type Netns struct {
	fact       event.Netns
	store      *sockets // of the table
	space      uint32   // the number of its first space
	usable     *bitmap  // does not change: namespaces share it
	total      int      // ports in usable
	sockets    int      // that hold ports of its spaces
	buckets    int      // of sockets: those in TIME_WAIT
	attributed int      // of buckets: those whose direction is known, so that rows count them
	gauges     Gauges
	bindTables
	limited       bucketLimit
	refusedBefore event.Counter // what had been refused when the counting began
	length        time.Duration // of TIME_WAIT as it was measured, 0: not measured
	lengthFrom    event.Time    // since when tcp_tw_timeout is what it is, 0: always
	narrowedAt    event.Time    // when the usable ports changed
	claims        claims
	claimsBefore  claims
	incomplete    bool // a part of the stream is missing
	Census        event.Census
	CensusAt      event.Time // 0: never
}

// noPorts is what can be used of a range that is not known.
var noPorts bitmap

func newNetns(inode uint32) *Netns {
	n := &Netns{fact: event.Netns{Inode: inode, TimeWait: -1}, usable: &noPorts}
	n.main = newBindTable(n)
	return n
}

// Fact returns what the stream has reported of the namespace.
func (n *Netns) Fact() event.Netns { return n.fact }

// Ports returns the port range of the Fact, for a small part of its price.
func (n *Netns) Ports() event.PortRange { return n.fact.Ports }

// Capacity returns the number of ports that are not reserved, 0 if the range is not known.
func (n *Netns) Capacity() int { return n.total }

// Refused returns how many buckets tcp_max_tw_buckets has refused since the first reading of
// the kernel's count, or since RestartPeaks.
func (n *Netns) Refused() uint64 { return n.fact.Refused.Since(n.refusedBefore) }

// Attributed returns the number of TIME_WAIT buckets whose direction is known, so that rows
// count them.
func (n *Netns) Attributed() int { return n.attributed }

// track counts a socket of the namespace n times, -1 takes it away.
func (n *Netns) track(socket *Socket, times int) {
	n.gauges.add(socket, times)
	if socket.State == event.StateTimeWait {
		n.buckets += times
		if socket.Direction != event.Unknown {
			n.attributed += times
		}
	}
}

// configure takes a new configuration and the counts that come with it. It reports whether the
// usable ports have changed. like is a namespace that may have the same ones: most have.
func (n *Netns) configure(fact *event.Netns, like *Netns) bool {
	if !fact.Ports.Known() { // only a count has come, or a name
		kept := n.fact
		n.fact = *fact
		n.fact.Cookie, n.fact.Ports, n.fact.Reserved = kept.Cookie, kept.Ports, kept.Reserved
		n.fact.Reuse, n.fact.ReuseDelay, n.fact.MaxTimeWait = kept.Reuse, kept.ReuseDelay, kept.MaxTimeWait
		n.fact.TimerStep, n.fact.TimerAt = kept.TimerStep, kept.TimerAt
		n.fact.Timestamps, n.fact.FinTimeout, n.fact.Refused = kept.Timestamps, kept.FinTimeout, kept.Refused
		n.fact.NonlocalBind, n.fact.UnprivilegedPort = kept.NonlocalBind, kept.UnprivilegedPort
		n.fact.MaxOrphans, n.fact.TCPMem, n.fact.TimeWaitSetting = kept.MaxOrphans, kept.TCPMem, kept.TimeWaitSetting
		n.fact.VRFs = kept.VRFs
		return false
	}
	if !n.refusedBefore.Known() {
		n.refusedBefore = fact.Refused
	}
	changed := n.fact.Ports != fact.Ports || n.fact.Reserved != fact.Reserved
	n.fact = *fact
	if changed {
		if like != nil && like != n && like.fact.Ports == fact.Ports && like.fact.Reserved == fact.Reserved {
			n.usable, n.total = like.usable, like.total
		} else {
			n.usable = usable(fact.Ports, fact.Reserved)
			n.total = n.usable.count(fact.Ports)
		}
		for _, b := range n.allBinds() {
			b.recount()
		}
	}
	return changed
}

// Usable reports whether the port is one of the range that is not reserved.
func (n *Netns) Usable(port uint16) bool { return n.usable.has(port) }

// usableCount returns 1 for a port of the range that is not reserved, else 0.
func (n *Netns) usableCount(port uint16) int {
	if n.usable.has(port) {
		return 1
	}
	return 0
}

// Overlaps reports whether a range of a socket's own counts: some of it must lie inside the
// namespace's.
func (n *Netns) Overlaps(own event.PortRange) bool {
	all := n.fact.Ports
	return own.Known() && own.High >= all.Low && own.Low <= all.High
}
