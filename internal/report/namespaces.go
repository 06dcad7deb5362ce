package report

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// namespace is the port configuration of a network namespace.
type namespace struct {
	Netns       uint32   `json:"netns"`
	NetnsName   string   `json:"netns_name"`
	NetnsGone   bool     `json:"netns_gone"` // it exists no more
	RangeLow    uint16   `json:"range_low"`
	RangeHigh   uint16   `json:"range_high"` // 0: the configuration is not known
	Reserved    string   `json:"reserved"`   // as the kernel prints it: 8080,9000-9100
	Capacity    *int     `json:"capacity"`
	TwReuse     *uint8   `json:"tw_reuse"`  // net.ipv4.tcp_tw_reuse
	TimeWait    *int64   `json:"time_wait"` // buckets counted by the kernel, null: unknown
	MaxTimeWait *int64   `json:"max_time_wait"`
	Refused     *uint64  `json:"time_wait_refused"`   // buckets refused by max_time_wait since the start (TCPTimeWaitOverflow)
	Length      float64  `json:"time_wait_seconds"`   // how long a TIME_WAIT lives: 60, or what the kernel's timers show
	Timestamps  *uint8   `json:"timestamps"`          // net.ipv4.tcp_timestamps, null: unknown
	FinTimeout  *float64 `json:"fin_timeout_seconds"` // net.ipv4.tcp_fin_timeout, null: unknown
	Bound       int      `json:"bound"`               // ports of the range reserved by a bind()
	BoundKnown  bool     `json:"bound_known"`         // ports that are only bound are visible
	LastScan    string   `json:"last_scan"`           // of all its sockets, empty: never
	LastScanUS  int64    `json:"last_scan_us"`        // how long it took

	Listeners      []listener `json:"listeners"`       // at ports of the range that are not reserved, by port
	OtherListeners int        `json:"other_listeners"` // how many are not listed

	Counters   counters   `json:"counters"`
	Orphans    *uint64    `json:"orphans"`       // sockets without a process, of the host: the most there were; null: unknown
	MaxOrphans *uint64    `json:"max_orphans"`   // net.ipv4.tcp_max_orphans, of the host; null: unknown
	MemPages   *uint64    `json:"tcp_mem_pages"` // memory of TCP, of the host: the most there was; null: unknown
	TCPMem     *[3]uint64 `json:"tcp_mem"`       // net.ipv4.tcp_mem, in pages, of the host; null: unknown
	Conntrack  *conntrack `json:"conntrack"`     // null: the kernel tracks no connections, or unknown

	NonlocalBind     *uint8   `json:"nonlocal_bind"`             // net.ipv4.ip_nonlocal_bind, null: unknown
	UnprivilegedPort *uint64  `json:"unprivileged_port_start"`   // net.ipv4.ip_unprivileged_port_start, null: unknown
	TimeWaitSetting  *float64 `json:"time_wait_setting_seconds"` // net.ipv4.tcp_tw_timeout, null: this kernel has none
}

// listener is a process that listens on a port.
type listener struct {
	Saddr string `json:"saddr"`
	Sport uint16 `json:"sport"`
	PID   uint32 `json:"pid"` // 0: unknown
	Comm  string `json:"comm"`
	Exe   string `json:"exe"`
}

func newListener(l *snapshot.Listener) listener {
	return listener{Saddr: l.Local.Addr.String(), Sport: l.Local.Port, PID: l.Proc.ID.PID, Comm: l.Proc.Comm, Exe: l.Proc.Exe}
}

func newNamespace(n *snapshot.Namespace) namespace {
	out := namespace{
		Netns: n.Inode, NetnsName: n.Name, NetnsGone: n.Gone, RangeLow: n.Ports.Low, RangeHigh: n.Ports.High, Reserved: n.Reserved,
		Bound: n.Bound, BoundKnown: n.BoundKnown, LastScan: formatTime(n.LastScan), LastScanUS: n.LastScanTook.Microseconds(),
		Length: n.TimeWaitLength.Seconds(), Listeners: convert(n.Listeners, newListener), OtherListeners: n.OtherListeners,

		Counters: newCounters(&n.Counted), Orphans: knownCount(n.Counted.Orphans), MaxOrphans: knownCount(n.MaxOrphans), MemPages: knownCount(n.Counted.MemPages),
		Conntrack: newConntrack(&n.Counted.Conntrack), UnprivilegedPort: knownCount(n.UnprivilegedPort),
	}
	if n.TCPMem != [3]uint64{} {
		out.TCPMem = &n.TCPMem
	}
	if n.NonlocalBind.Known() {
		allowed := n.NonlocalBind.Value()
		out.NonlocalBind = &allowed
	}
	if n.TimeWaitSetting != 0 {
		setting := n.TimeWaitSetting.Seconds()
		out.TimeWaitSetting = &setting
	}
	if n.Ports.Known() {
		out.Capacity, out.TwReuse, out.MaxTimeWait = &n.Capacity, &n.Reuse, &n.MaxTimeWait
	}
	if n.RefusedKnown {
		out.Refused = &n.Refused
	}
	if n.Timestamps.Known() {
		stamps := n.Timestamps.Value()
		out.Timestamps = &stamps
	}
	if n.FinTimeout != 0 {
		timeout := n.FinTimeout.Seconds()
		out.FinTimeout = &timeout
	}
	if n.TimeWait >= 0 {
		out.TimeWait = &n.TimeWait
	}
	return out
}

// topNamespaces is the number listed: a host with containers has hundreds.
const topNamespaces = 10

// writeNamespaces writes the port configuration of the namespaces that were scanned. On a calm host
// the report has little else.
func writeNamespaces(out *bytes.Buffer, s *snapshot.Snapshot) {
	t, seen := namespaceRows(s)
	t.write(out)
	writeCounts(out, seen)
}

// namespaceRows lists the namespaces that were scanned, those with most ports in use first, and
// returns them, too.
func namespaceRows(s *snapshot.Snapshot) (table, []snapshot.Namespace) {
	seen := slices.DeleteFunc(slices.Clone(s.Namespaces), func(n snapshot.Namespace) bool { return n.LastScan.IsZero() })
	slices.SortStableFunc(seen, func(a, b snapshot.Namespace) int { return cmp.Compare(occupied(&b), occupied(&a)) })
	t := table{
		title: "Network namespaces", more: len(seen) - topNamespaces,
		head: []string{"netns", "range", "reserved", "capacity", "time_wait", "bound"},
		left: "netns range",
	}
	for i := range seen[:min(len(seen), topNamespaces)] {
		n := &seen[i]
		cells := append([]string{phrase.NetnsState(n.Name, n.Inode, n.Gone)}, rangeCells(n)...)
		t.add(append(cells, bucketCell(n), boundCell(n))...)
	}
	return t, seen
}

func occupied(n *snapshot.Namespace) int64 { return max(n.TimeWait, 0) + int64(n.Bound) }

// rangeCells returns the range, the number of its reserved ports, and the capacity.
func rangeCells(n *snapshot.Namespace) []string {
	if !n.Ports.Known() {
		return []string{"?", "?", "?"}
	}
	all := n.Ports.Size()
	return []string{fmt.Sprintf("%d-%d", n.Ports.Low, n.Ports.High), phrase.Grouped(all - n.Capacity), phrase.Grouped(n.Capacity)}
}

// bucketCell returns the buckets counted by the kernel, of accepted connections too, and how
// many tcp_max_tw_buckets has refused.
func bucketCell(n *snapshot.Namespace) string {
	if n.TimeWait < 0 {
		return "?"
	}
	cell := phrase.Grouped(n.TimeWait)
	if n.Refused > 0 {
		cell += " (" + phrase.Grouped(n.Refused) + " refused)"
	}
	return cell
}

// boundCell returns the bound ports, with + if there can be more than are visible.
func boundCell(n *snapshot.Namespace) string {
	if !n.BoundKnown {
		return phrase.Grouped(n.Bound) + "+"
	}
	return phrase.Grouped(n.Bound)
}
