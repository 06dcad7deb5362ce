package doctor

import (
	"slices"
	"strconv"
	"strings"

	"github.com/porttrace/porttrace/internal/event"
)

// portSet is a set of ports: ranges in order, none of which touches another.
type portSet []event.PortRange

// parsePorts reads the list of ip_local_reserved_ports: 8080,9000-9100. What is not of that
// form is left out.
func parsePorts(list string) portSet {
	var set portSet
	for part := range strings.SplitSeq(strings.TrimSpace(list), ",") {
		low, high, isRange := strings.Cut(part, "-")
		if !isRange {
			high = low
		}
		first, err := strconv.ParseUint(low, 10, 16)
		last, err2 := strconv.ParseUint(high, 10, 16)
		if err == nil && err2 == nil && first <= last {
			set = append(set, event.PortRange{Low: uint16(first), High: uint16(last)})
		}
	}
	return set.merged()
}

// with returns the set and some more ranges.
func (s portSet) with(more ...event.PortRange) portSet {
	return append(slices.Clone(s), more...).merged()
}

// merged returns the same ports in order, ranges that touch joined. It changes s.
func (s portSet) merged() portSet {
	slices.SortFunc(s, event.PortRange.Compare)
	var set portSet
	for _, r := range s {
		if last := len(set) - 1; last >= 0 && int(r.Low) <= int(set[last].High)+1 {
			set[last].High = max(set[last].High, r.High)
			continue
		}
		set = append(set, r)
	}
	return set
}

// holds reports whether the port is in the set.
func (s portSet) holds(port uint16) bool {
	return slices.ContainsFunc(s, func(r event.PortRange) bool { return r.Holds(port) })
}

// holdsAll reports whether all ports of the range are.
func (s portSet) holdsAll(all event.PortRange) bool {
	return slices.ContainsFunc(s, func(r event.PortRange) bool { return r.Low <= all.Low && all.High <= r.High })
}

// within returns how many ports of the range are in the set.
func (s portSet) within(in event.PortRange) (n int) {
	for _, r := range s {
		n += max(int(min(r.High, in.High))-int(max(r.Low, in.Low))+1, 0)
	}
	return n
}

// String returns the set as the kernel prints it and takes it (proc_do_large_bitmap,
// kernel/sysctl.c).
func (s portSet) String() string {
	parts := make([]string, len(s))
	for i, r := range s {
		parts[i] = strconv.Itoa(int(r.Low))
		if r.High > r.Low {
			parts[i] += "-" + strconv.Itoa(int(r.High))
		}
	}
	return strings.Join(parts, ",")
}

func onePort(port uint16) event.PortRange { return event.PortRange{Low: port, High: port} }
