package report

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"github.com/porttrace/porttrace/internal/snapshot"
)

// namespace is a network namespace as it hands out ports.
type namespace struct {
	Netns        uint32 `json:"netns"`
	NetnsName    string `json:"netns_name"`
	RangeLow     uint16 `json:"range_low"`
	RangeHigh    uint16 `json:"range_high"` // 0: the configuration is not known
	Reserved     string `json:"reserved"`   // as the kernel prints it: 8080,9000-9100
	Capacity     *int   `json:"capacity"`
	TwReuse      *uint8 `json:"tw_reuse"`  // net.ipv4.tcp_tw_reuse
	TimeWait     *int64 `json:"time_wait"` // buckets that the kernel counts, null: not known
	MaxTimeWait  *int64 `json:"max_time_wait"`
	Bound        int    `json:"bound"`       // ports of the range that a bind() owns
	BoundKnown   bool   `json:"bound_known"` // ports that only a bind() holds are seen
	Census       string `json:"census"`      // when all its sockets were last looked at, empty: never
	CensusTookUS int64  `json:"census_took_us"`
}

func newNamespace(n *snapshot.Namespace) namespace {
	out := namespace{
		Netns: n.Inode, NetnsName: n.Name, RangeLow: n.Ports.Low, RangeHigh: n.Ports.High, Reserved: n.Reserved,
		Bound: n.Bound, BoundKnown: n.BoundKnown, Census: formatTime(n.Census), CensusTookUS: n.CensusTook.Microseconds(),
	}
	if n.Ports.Known() {
		out.Capacity, out.TwReuse, out.MaxTimeWait = &n.Capacity, &n.Reuse, &n.MaxTimeWait
	}
	if n.TimeWait >= 0 {
		out.TimeWait = &n.TimeWait
	}
	return out
}

// topNamespaces is how many are worth reading: a host with containers has hundreds.
const topNamespaces = 10

// writeNamespaces says how each namespace whose sockets were looked at hands out ports,
// those with most ports taken first. Of a calm host there is nothing else to say.
func writeNamespaces(out *bytes.Buffer, s *snapshot.Snapshot) {
	seen := slices.DeleteFunc(slices.Clone(s.Namespaces), func(n snapshot.Namespace) bool { return n.Census.IsZero() })
	slices.SortStableFunc(seen, func(a, b snapshot.Namespace) int { return cmp.Compare(occupied(&b), occupied(&a)) })
	t := table{
		head: []string{"netns", "range", "reserved", "capacity", "time_wait", "bound"},
		left: "netns range",
	}
	for i := range seen[:min(len(seen), topNamespaces)] {
		n := &seen[i]
		cells := append([]string{netns(n.Name, n.Inode)}, rangeCells(n)...)
		t.add(append(cells, bucketCell(n), boundCell(n))...)
	}
	t.write(out, "How network namespaces hand out ports", len(seen)-topNamespaces)
}

func occupied(n *snapshot.Namespace) int64 { return max(n.TimeWait, 0) + int64(n.Bound) }

// rangeCells are the range, how many ports of it are reserved, and how many are left.
func rangeCells(n *snapshot.Namespace) []string {
	if !n.Ports.Known() {
		return []string{"?", "?", "?"}
	}
	all := int(n.Ports.High) - int(n.Ports.Low) + 1
	return []string{fmt.Sprintf("%d-%d", n.Ports.Low, n.Ports.High), strconv.Itoa(all - n.Capacity), strconv.Itoa(n.Capacity)}
}

// bucketCell is what the kernel counts, accepted connections too.
func bucketCell(n *snapshot.Namespace) string {
	if n.TimeWait < 0 {
		return "?"
	}
	return strconv.FormatInt(n.TimeWait, 10)
}

// boundCell has a mark where more ports can be bound than are seen.
func boundCell(n *snapshot.Namespace) string {
	if !n.BoundKnown {
		return strconv.Itoa(n.Bound) + "+"
	}
	return strconv.Itoa(n.Bound)
}
