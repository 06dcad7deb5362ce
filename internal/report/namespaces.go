package report

import "github.com/porttrace/porttrace/internal/snapshot"

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
