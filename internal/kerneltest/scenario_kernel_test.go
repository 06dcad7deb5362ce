package kerneltest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/lab"
)

// kernelState is what the kernel itself says of a namespace.
type kernelState struct {
	counters map[string]uint64
	buckets  []string // in TIME_WAIT, as eventText.ends
}

// readKernel reads the state when no socket has a change of state to come.
func (f *fixture) readKernel(n *lab.Netns) (state kernelState) {
	var all []lab.TCPSocket
	f.awaitThat("the last change of state", func() bool {
		var err error
		all, err = n.TCPSockets()
		f.check("reading the sockets", err)
		return !slices.ContainsFunc(all, willChange)
	})
	f.finLate = f.finLate || !f.orphaned.IsZero() && time.Since(f.orphaned) > finWithin
	var err error
	state.counters, err = n.Netstat()
	f.check("reading the counters", err)
	for _, s := range all {
		if s.State == lab.TimeWait {
			state.buckets = append(state.buckets, between(unmapped(s.Local), unmapped(s.Remote)))
		}
	}
	slices.Sort(state.buckets)
	return state
}

// orphanDisturbed reports whether an orphan took another course. If the two ends run on
// two processors, an acknowledgement that a timer sends can come after the FIN: the
// bucket's answer to it finds no socket, and the RST kills the bucket (RFC 1337). Or the FIN
// comes while the socket turns into a bucket, and finds neither.
func (f *fixture) orphanDisturbed() bool {
	return !f.orphaned.IsZero() && (f.err != nil || f.kernel[f.client].counters["Tcp.OutRsts"] > 0)
}

// willChange reports whether a socket has a change of state to come.
func willChange(s lab.TCPSocket) bool { return s.State != lab.Listen && s.State != lab.TimeWait }

// wrongCounters compares the expected events of a namespace, and the reported buckets, with the
// kernel's state, so that neither the scenario nor its expectations can be wrong.
func (tr *trace) wrongCounters(t *testing.T, f *fixture, n *lab.Netns) (wrong []string) {
	t.Helper()
	buckets := tr.bucketsOf(n, event.TimeWait)
	want := map[string]int{
		"Tcp.ActiveOpens":            f.count(n, "open"),
		"Tcp.PassiveOpens":           f.count(n, "close", "in "),
		"Tcp.AttemptFails":           f.count(n, "connect_fail", "refused") + f.count(n, "connect_fail", "timeout"),
		"Tcp.EstabResets":            f.count(n, "close reset") + f.count(n, "close timeout"),
		"TcpExt.TCPTimeWaitOverflow": 0,
		"TcpExt.TWRecycled":          f.count(n, "open", " reused"),
	}
	if kernelAtLeast(t, 6, 12) { // older ones count a bucket when it ends
		want["TcpExt.TW"] = len(buckets) + len(tr.bucketsOf(n, event.FinWait2)) + f.unseen - f.shortBuckets
		want["TcpExt.TWKilled"] = f.shortBuckets
	}
	maps.Copy(want, f.counters)
	state := f.kernel[n]
	for name, n := range want {
		if got, counted := state.counters[name]; !counted || got != uint64(n) {
			wrong = append(wrong, fmt.Sprintf("the kernel's %s is %d, by the expected events it is %d", name, got, n))
		}
	}
	// A port that was taken from TIME_WAIT is there again.
	if buckets = slices.Compact(buckets); !f.finLate && !slices.Equal(buckets, state.buckets) {
		wrong = append(wrong, fmt.Sprintf("the kernel has in TIME_WAIT\n\t%q, reported are\n\t%q", state.buckets, buckets))
	}
	return wrong
}

// bucketsOf returns the 4-tuples of closes that are reported with a bucket of a kind.
func (tr *trace) bucketsOf(n *lab.Netns, kind event.Flags) []string {
	var list []string
	for _, e := range tr.events {
		if e.Netns == n.Inode() && e.Kind == event.Close && e.Flags.Has(kind) {
			list = append(list, between(e.Src, e.Dst))
		}
	}
	slices.Sort(list)
	return list
}

// count returns the number of expected events with this beginning that contain the rest.
func (f *fixture) count(n *lab.Netns, begin string, rest ...string) int {
	count := 0
	for _, s := range f.expected[n] {
		text := s.String()
		missing := func(part string) bool { return !strings.Contains(text, part) }
		if strings.HasPrefix(text, begin) && !slices.ContainsFunc(rest, missing) {
			count++
		}
	}
	return count
}
