package aggregate

import (
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// reading is one of the namespace's counts, some seconds after the begin.
func reading(second int, change func(*event.NetnsCounts)) event.Event {
	c := &event.NetnsCounts{Netns: inode}
	change(c)
	return event.Event{Time: begin.Add(time.Duration(second) * time.Second), Kind: event.NetnsCounted, Fact: c}
}

func drops(second int, n uint64) event.Event {
	return reading(second, func(c *event.NetnsCounts) { c.ListenDrops = event.CounterOf(n) })
}

func onlyNamespace(t *testing.T, s *stream, second int) snapshot.Namespace {
	t.Helper()
	snap := s.Snapshot(begin.Add(time.Duration(second) * time.Second))
	if len(snap.Namespaces) != 1 {
		t.Fatalf("got %+v", snap.Namespaces)
	}
	return snap.Namespaces[0]
}

// Counters count from the start or the first reading that had them, gauges are the highest.
func TestCountedSinceStart(t *testing.T) {
	t.Parallel()
	s := of(anchored, netnsFact("blue", 7, false), reading(0, func(c *event.NetnsCounts) {
		c.ListenDrops, c.Orphans = event.CounterOf(100), event.CounterOf(5)
		c.Conntrack.Entries, c.Conntrack.NAT = event.CounterOf(7), event.SettingOf(0)
	}))
	if n := onlyNamespace(t, s, 1); n.Counted.ListenDrops != event.CounterOf(0) || n.Counted.SynRetransmits.Known() || n.Counted.Orphans != event.CounterOf(5) {
		t.Errorf("at first: %+v", n.Counted)
	}
	s.Add([]event.Event{
		reading(2, func(c *event.NetnsCounts) {
			c.ListenDrops, c.SynRetransmits, c.Orphans = event.CounterOf(103), event.CounterOf(40), event.CounterOf(9)
			c.Conntrack.Entries, c.Conntrack.NAT = event.CounterOf(900), event.SettingOf(1)
		}),
		reading(4, func(c *event.NetnsCounts) {
			c.ListenDrops, c.SynRetransmits, c.Orphans = event.CounterOf(110), event.CounterOf(41), event.CounterOf(2)
			c.Conntrack.Entries, c.Conntrack.NAT = event.CounterOf(3), event.SettingOf(1)
		}),
	})
	n := onlyNamespace(t, s, 5)
	want := event.NetnsCounts{
		Netns: inode, ListenDrops: event.CounterOf(10), SynRetransmits: event.CounterOf(1), Orphans: event.CounterOf(9),
		Conntrack: event.Conntrack{Entries: event.CounterOf(900), NAT: event.SettingOf(1)},
	}
	if n.Counted != want || n.Counts.ListenDrops != event.CounterOf(110) || n.Counts.Orphans != event.CounterOf(2) {
		t.Errorf("counted %+v, want %+v; the newest are %+v", n.Counted, want, n.Counts)
	}
	if at := s.world.Clock.WallTime(begin.Add(4 * time.Second)); !n.CountedAt.Equal(at) {
		t.Errorf("counted at %s, want %s", n.CountedAt, at)
	}
}

// A restart counts from there, whether readings follow or not.
func TestCountedSinceRestart(t *testing.T) {
	t.Parallel()
	s := of(anchored, netnsFact("blue", 7, false), drops(0, 100), drops(2, 130))
	s.Restart(begin.Add(3 * time.Second))
	if n := onlyNamespace(t, s, 3); n.Counted.ListenDrops != event.CounterOf(0) || n.Counts.ListenDrops != event.CounterOf(130) {
		t.Errorf("after a restart: %+v of %+v", n.Counted, n.Counts)
	}
	s.Add([]event.Event{drops(4, 131)})
	if n := onlyNamespace(t, s, 4); n.Counted.ListenDrops != event.CounterOf(1) {
		t.Errorf("a second later: %+v", n.Counted)
	}
}

// What another namespace with the inode has counted is not counted for this one.
func TestCountsOfAnother(t *testing.T) {
	t.Parallel()
	s := of(anchored, netnsFact("blue", 7, false), drops(0, 100), drops(1, 200), netnsFact("green", 8, false))
	if n := onlyNamespace(t, s, 1); n.Counts.ListenDrops.Known() || n.Counted.ListenDrops.Known() || !n.CountedAt.IsZero() {
		t.Errorf("before its first reading: %+v", n.Counted)
	}
	s.Add([]event.Event{drops(2, 300), drops(3, 301)})
	if n := onlyNamespace(t, s, 3); n.Counted.ListenDrops != event.CounterOf(1) {
		t.Errorf("by its cookie: %+v", n.Counted)
	}
	s.Add([]event.Event{drops(4, 5), drops(5, 7)}) // an older kernel has no cookies
	if n := onlyNamespace(t, s, 5); n.Counted.ListenDrops != event.CounterOf(2) {
		t.Errorf("it has counted back: %+v", n.Counted)
	}
}

// The settings are those of the fact.
func TestFurtherSettings(t *testing.T) {
	t.Parallel()
	fact := netnsFact("blue", 7, false)
	f := fact.Fact.(*event.Netns)
	f.NonlocalBind, f.UnprivilegedPort, f.MaxOrphans, f.TCPMem = event.SettingOf(1), event.CounterOf(80), event.CounterOf(9), [3]uint64{1, 2, 3}
	f.TimeWaitSetting = uint64(5 * time.Second)
	s := of(fact, kernelCount(3)) // only a count
	n := onlyNamespace(t, s, 1)
	if n.NonlocalBind != f.NonlocalBind || n.UnprivilegedPort != f.UnprivilegedPort || n.MaxOrphans != f.MaxOrphans || n.TCPMem != f.TCPMem {
		t.Errorf("got %+v", n)
	}
	if n.TimeWaitSetting != 5*time.Second || n.TimeWaitLength != 5*time.Second {
		t.Errorf("a TIME_WAIT lives %s by %s", n.TimeWaitLength, n.TimeWaitSetting)
	}
}
