package netns

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/porttrace/porttrace/internal/event"
)

// counterFields returns where the counters of /proc/net/netstat ("TcpExt:") and of
// /proc/net/snmp ("Tcp:") go, by their names in net/ipv4/proc.c.
func counterFields(section string, c *event.NetnsCounts) map[string]*event.Counter {
	if section == "Tcp:" {
		return map[string]*event.Counter{"AttemptFails": &c.AttemptFails}
	}
	return map[string]*event.Counter{
		"TW": &c.TimeWaits, "TWRecycled": &c.TimeWaitsRecycled, "TCPTimeWaitOverflow": &c.TimeWaitOverflows,
		"ListenOverflows": &c.ListenOverflows, "ListenDrops": &c.ListenDrops, "TCPAbortOnMemory": &c.MemoryAborts,
		"TCPSynRetrans": &c.SynRetransmits, "TCPReqQFullDrop": &c.RequestDrops, "TCPReqQFullDoCookies": &c.RequestCookies,
		"TCPMemoryPressures": &c.MemoryPressures,
	}
}

// parseCounters reads a section of /proc/net/netstat or snmp, a line "TcpExt: NAME NAME ..."
// and one with as many numbers, into the counters with these names. A name that the kernel
// does not have stays unknown.
func parseCounters(r io.Reader, section string, into map[string]*event.Counter) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	var names []string
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		switch {
		case len(fields) == 0 || fields[0] != section:
		case names == nil:
			names = fields
		default:
			return setCounters(names[1:], fields[1:], into)
		}
	}
	return cmp.Or(lines.Err(), fmt.Errorf("no section %s", section))
}

func setCounters(names, values []string, into map[string]*event.Counter) error {
	if len(names) != len(values) {
		return fmt.Errorf("%d names and %d numbers", len(names), len(values))
	}
	for i, name := range names {
		counter := into[name]
		if counter == nil {
			continue
		}
		n, err := strconv.ParseUint(values[i], 10, 64)
		if err != nil {
			return fmt.Errorf("%s is %q: %w", name, values[i], err)
		}
		*counter = event.CounterOf(n)
	}
	return nil
}

// sockstatFields returns where the orphans and the memory of /proc/net/sockstat go. Both are those
// of the whole host.
func sockstatFields(c *event.NetnsCounts) map[string]*event.Counter {
	return map[string]*event.Counter{"orphan": &c.Orphans, "mem": &c.MemPages}
}

// parseSockstat reads the line "TCP: inuse 2 orphan 0 tw 1 alloc 5 mem 3" of /proc/net/sockstat,
// proc_pid_net(5), into the counters with these names.
func parseSockstat(r io.Reader, into map[string]*event.Counter) error {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		counts, found := strings.CutPrefix(lines.Text(), "TCP:")
		if !found {
			continue
		}
		words := strings.Fields(counts)
		for i := 0; i+1 < len(words); i += 2 {
			counter := into[words[i]]
			if counter == nil {
				continue
			}
			// The kernel prints a small negative number if processors have not yet added up.
			n, err := strconv.ParseInt(words[i+1], 10, 64)
			if err != nil {
				return fmt.Errorf("%s is %q: %w", words[i], words[i+1], err)
			}
			*counter = event.CounterOf(uint64(max(n, 0)))
		}
		return nil
	}
	return cmp.Or(lines.Err(), errSockstat)
}

// errConntrackStat is the error if the kernel has changed the form of the file.
var errConntrackStat = errors.New("no column entries in stat/nf_conntrack")

// parseConntrackStat reads /proc/net/stat/nf_conntrack: a line of names and, for each
// processor, a line of hexadecimal numbers. All counters are to be added up, but entries is
// the number in the whole namespace on each line.
func parseConntrackStat(r io.Reader) (event.Conntrack, error) {
	var c event.Conntrack
	lines := bufio.NewScanner(r)
	lines.Scan()
	names := strings.Fields(lines.Text())
	column := func(name string) int { return slices.Index(names, name) }
	entries := column("entries")
	if entries < 0 {
		return c, cmp.Or(lines.Err(), errConntrackStat)
	}
	sums := map[int]*event.Counter{
		column("insert_failed"): &c.InsertFailed, column("drop"): &c.Drops, column("early_drop"): &c.EarlyDrops,
	}
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		for i, field := range fields {
			n, err := strconv.ParseUint(field, 16, 64)
			if err != nil {
				return event.Conntrack{}, fmt.Errorf("a number is %q: %w", field, err)
			}
			if i == entries {
				c.Entries = event.CounterOf(n)
			} else if sum := sums[i]; sum != nil {
				*sum = addCount(*sum, n)
			}
		}
	}
	return c, lines.Err()
}

// addCount returns the sum of what is counted so far, which may be nothing yet, and n.
func addCount(sum event.Counter, n uint64) event.Counter {
	if !sum.Known() {
		return event.CounterOf(n)
	}
	return sum + event.Counter(n)
}
