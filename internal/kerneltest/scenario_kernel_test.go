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

// words are what the kernel itself says of a namespace.
type words struct {
	counters map[string]uint64
	buckets  []string // in TIME_WAIT, as tale.where
}

// hear listens to the kernel once nothing moves any more.
func (w *world) hear(n *lab.Netns) (words, error) {
	var all []lab.TCPSocket
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		var err error
		if all, err = n.TCPSockets(); err != nil {
			return words{}, err
		}
		if !slices.ContainsFunc(all, moves) {
			break
		}
		if time.Now().After(deadline) {
			return words{}, fmt.Errorf("sockets live on: %+v", all)
		}
	}
	w.late = w.late || !w.began.IsZero() && time.Since(w.began) > finWithin
	counters, err := n.Netstat()
	heard := words{counters: counters}
	for _, s := range all {
		if s.State == lab.TimeWait {
			heard.buckets = append(heard.buckets, between(unmapped(s.Local), unmapped(s.Remote)))
		}
	}
	slices.Sort(heard.buckets)
	return heard, err
}

// strayed reports whether an orphan's life took another course. Where the two ends run on
// two processors, an acknowledgement that a timer sends can come after the FIN: the
// bucket's answer to it finds nobody, and the RST kills the bucket (RFC 1337). Or the FIN
// comes while the socket turns into a bucket, and finds neither.
func (w *world) strayed() bool {
	return !w.began.IsZero() && (w.err != nil || w.heard[w.client].counters["Tcp.OutRsts"] > 0)
}

// moves reports whether a socket has a change of state to come.
func moves(s lab.TCPSocket) bool { return s.State != lab.Listen && s.State != lab.TimeWait }

// wrongWords holds what is wanted of a namespace, and the buckets that are told, against
// what the kernel says, so that neither the life nor its wants can be wrong.
func (tr *trace) wrongWords(t *testing.T, w *world, n *lab.Netns) (wrong []string) {
	t.Helper()
	buckets := tr.bucketsOf(n, event.TimeWait)
	want := map[string]int{
		// connect() counts when its SYN goes out, so not where the 4-tuple is taken.
		"Tcp.ActiveOpens":            w.count(n, "open") - w.count(n, "connect_fail", "tuple_taken"),
		"Tcp.PassiveOpens":           w.count(n, "close", "in "),
		"Tcp.AttemptFails":           w.count(n, "connect_fail", "refused") + w.count(n, "connect_fail", "timeout"),
		"Tcp.EstabResets":            w.count(n, "close reset") + w.count(n, "close timeout"),
		"TcpExt.TCPTimeWaitOverflow": w.unmade,
		"TcpExt.TWRecycled":          w.count(n, "open", " reused"),
	}
	if kernelAtLeast(t, 6, 12) { // older ones count a bucket when it ends
		want["TcpExt.TW"] = len(buckets) + len(tr.bucketsOf(n, event.FinWait2)) + w.untold - w.unmade - w.short
		want["TcpExt.TWKilled"] = w.short
	}
	maps.Copy(want, w.counters)
	heard := w.heard[n]
	for name, n := range want {
		if got, counted := heard.counters[name]; !counted || got != uint64(n) {
			wrong = append(wrong, fmt.Sprintf("the kernel's %s is %d, what is wanted makes it %d", name, got, n))
		}
	}
	// A port that was taken from TIME_WAIT is there again.
	if buckets = slices.Compact(buckets); w.unmade == 0 && !w.late && !slices.Equal(buckets, heard.buckets) {
		wrong = append(wrong, fmt.Sprintf("the kernel has in TIME_WAIT\n\t%q, told are\n\t%q", heard.buckets, buckets))
	}
	return wrong
}

// bucketsOf are the 4-tuples that are told to have left a bucket of a kind.
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

// count is the number of wanted events that begin so and contain the rest.
func (w *world) count(n *lab.Netns, begin string, rest ...string) int {
	count := 0
	for _, s := range w.wants[n] {
		text := s.String()
		missing := func(part string) bool { return !strings.Contains(text, part) }
		if strings.HasPrefix(text, begin) && !slices.ContainsFunc(rest, missing) {
			count++
		}
	}
	return count
}
