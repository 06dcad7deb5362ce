package metrics

import (
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

var (
	netnsNames = []string{"netns", "netns_name"}

	ephemeralPorts    = gauge("ephemeral_ports", "Ports of the namespace's range that are not reserved.", netnsNames...)
	kernelTimeWait    = gauge("time_wait_kernel_sockets", "TIME_WAIT buckets that the kernel counts in the namespace.", netnsNames...)
	timeWaitLimit     = gauge("time_wait_limit_sockets", "net.ipv4.tcp_max_tw_buckets.", netnsNames...)
	conntrackEntries  = gauge("conntrack_entries", "Tracked connections.", netnsNames...)
	conntrackLimit    = gauge("conntrack_limit_entries", "net.netfilter.nf_conntrack_max.", netnsNames...)
	conntrackFailures = counter("conntrack_insert_failed", "Entries that could not be inserted, also as SNAT found no free port. The kernel's count.", netnsNames...)
	conntrackDrops    = counter("conntrack_drops", "Packets that were dropped as the table was full. The kernel's count.", netnsNames...)
)

func newNamespacePlaces(limit int) *places[uint32, snapshot.Namespace] {
	return &places[uint32, snapshot.Namespace]{
		limit: limit, margin: 100, // buckets and tracked connections
		key: func(n *snapshot.Namespace) uint32 { return n.Inode },
		fill: func(n *snapshot.Namespace, _ event.SpaceState) fill {
			used := max(n.TimeWait, 0) + int64(n.Counts.Conntrack.Entries.Value())
			return fill{idle: used == 0, share: float64(used)}
		},
		strip: func(n *snapshot.Namespace) snapshot.Namespace {
			return snapshot.Namespace{Inode: n.Inode, Name: n.Name, TimeWait: -1}
		},
		listed: map[uint32]*place[snapshot.Namespace]{},
	}
}

func (c *Collector) addNamespaces(out *series, s *snapshot.Snapshot) {
	existing := make([]snapshot.Namespace, 0, len(s.Namespaces))
	for i := range s.Namespaces {
		if !s.Namespaces[i].Gone {
			existing = append(existing, s.Namespaces[i])
		}
	}
	listed, rest := c.namespaces.choose(existing, s.At, true)
	for _, n := range listed {
		out.addNamespace(n, netnsLabels(n.Inode, n.Name))
	}
	if len(rest) > 0 {
		var sum int64
		for _, n := range rest {
			sum += max(n.TimeWait, 0)
		}
		out.add(kernelTimeWait, labelsOf(label{"netns", other}, label{"netns_name", ""}), float64(sum))
	}
}

func (out *series) addNamespace(n *snapshot.Namespace, l labels) {
	if n.Ports.Known() {
		out.add(ephemeralPorts, l, float64(n.Capacity))
	}
	if n.TimeWait >= 0 {
		out.add(kernelTimeWait, l, float64(n.TimeWait))
	}
	if n.MaxTimeWait > 0 {
		out.add(timeWaitLimit, l, float64(n.MaxTimeWait))
	}
	track := &n.Counts.Conntrack
	for _, known := range []struct {
		*family
		value event.Counter
	}{
		{conntrackEntries, track.Entries}, {conntrackLimit, track.Max}, {conntrackFailures, track.InsertFailed}, {conntrackDrops, track.Drops},
	} {
		if known.value.Known() {
			out.add(known.family, l, float64(known.value.Value()))
		}
	}
}
