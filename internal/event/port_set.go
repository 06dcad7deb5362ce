package event

import (
	"slices"
	"strconv"
	"strings"
)

// PortSet is a set of ports: ranges in order, none of which touches another. With makes one; the
// zero value is empty.
type PortSet []PortRange

// ParsePortSet reads a list as the kernel prints it in ip_local_reserved_ports: 8080,9000-9100. What
// is not of that form is left out: a recording can hold anything.
func ParsePortSet(list string) PortSet {
	var set PortSet
	for part := range strings.SplitSeq(list, ",") {
		low, high, isRange := strings.Cut(strings.TrimSpace(part), "-")
		if !isRange {
			high = low
		}
		first, err := strconv.ParseUint(low, 10, 16)
		last, err2 := strconv.ParseUint(high, 10, 16)
		if err == nil && err2 == nil && first <= last {
			set = append(set, PortRange{Low: uint16(first), High: uint16(last)})
		}
	}
	return set.merged()
}

// With returns the set and some more ranges.
func (s PortSet) With(more ...PortRange) PortSet {
	return append(slices.Clone(s), more...).merged()
}

// merged returns the same ports in order, ranges that touch joined. It changes s.
func (s PortSet) merged() PortSet {
	slices.SortFunc(s, PortRange.Compare)
	var set PortSet
	for _, r := range s {
		if last := len(set) - 1; last >= 0 && int(r.Low) <= int(set[last].High)+1 {
			set[last].High = max(set[last].High, r.High)
			continue
		}
		set = append(set, r)
	}
	return set
}

// Holds reports whether the port is in the set.
func (s PortSet) Holds(port uint16) bool {
	return slices.ContainsFunc(s, func(r PortRange) bool { return r.Holds(port) })
}

// HoldsAll reports whether all ports of the range are.
func (s PortSet) HoldsAll(all PortRange) bool {
	return slices.ContainsFunc(s, func(r PortRange) bool { return r.Low <= all.Low && all.High <= r.High })
}

// Within returns how many ports of the range are in the set.
func (s PortSet) Within(in PortRange) (n int) {
	for _, r := range s {
		n += max(int(min(r.High, in.High))-int(max(r.Low, in.Low))+1, 0)
	}
	return n
}

// String returns the set as the kernel prints it and takes it (proc_do_large_bitmap,
// kernel/sysctl.c).
func (s PortSet) String() string {
	parts := make([]string, len(s))
	for i, r := range s {
		parts[i] = strconv.Itoa(int(r.Low))
		if r.High > r.Low {
			parts[i] += "-" + strconv.Itoa(int(r.High))
		}
	}
	return strings.Join(parts, ",")
}

// OnePort returns the range of a single port.
func OnePort(port uint16) PortRange { return PortRange{Low: port, High: port} }
