package live

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// fakeCounts is a kernel with counts of some namespaces.
type fakeCounts struct {
	counts   map[uint32]event.NetnsCounts
	tracking event.Conntrack
	slow     time.Duration
	read     []uint32
	entered  []uint32
}

func (f *fakeCounts) Counts(inode uint32) (event.NetnsCounts, error) {
	f.read = append(f.read, inode)
	time.Sleep(f.slow)
	c, is := f.counts[inode]
	if !is {
		return event.NetnsCounts{Netns: inode}, errors.New("it is gone")
	}
	c.Netns = inode
	return c, nil
}

func (f *fakeCounts) Tracking(inode uint32, stat event.Conntrack) (event.Conntrack, error) {
	f.entered = append(f.entered, inode)
	stat.Max, stat.NAT = f.tracking.Max, f.tracking.NAT
	if !stat.Entries.Known() {
		stat.Entries = f.tracking.Entries
	}
	return stat, nil
}

// second returns the time of the stream at a survey.
func second(n int) event.Time { return event.Time(n) * event.Time(time.Second) }

// Counts are reported first, when they change, and otherwise every ten seconds.
func TestCountsOnChange(t *testing.T) {
	t.Parallel()
	kernel := &fakeCounts{counts: map[uint32]event.NetnsCounts{netns1: {ListenDrops: event.CounterOf(3)}}}
	c := newNetnsCounts(kernel, netns2)
	for n := 1; n <= 25; n++ {
		now := kernel.counts[netns1]
		now.MemPages++ // of the host, whose own namespace reports it
		if n == 5 {
			now.ListenDrops = event.CounterOf(4)
		}
		kernel.counts[netns1] = now
		got := c.survey([]uint32{netns1}, second(n), false)
		if want := n == 1 || n == 5 || n == 15 || n == 25; (len(got) == 1) != want || want && (got[0].ListenDrops != now.ListenDrops || got[0].MemPages != now.MemPages) {
			t.Errorf("second %d: got %+v", n, got)
		}
	}
	kernel.read = nil
	if c.survey([]uint32{netns1}, second(25)+100, false); len(kernel.read) > 0 {
		t.Error("read twice in a second")
	}
	if c.survey([]uint32{netns1}, second(25)+200, true); len(kernel.read) != 1 {
		t.Error("the last survey has what was read before")
	}
	kernel.counts[netns2] = event.NetnsCounts{Orphans: event.CounterOf(1)}
	c.survey([]uint32{netns2}, second(26), false)
	kernel.counts[netns2] = event.NetnsCounts{Orphans: event.CounterOf(2)}
	if got := c.survey([]uint32{netns2}, second(27), false); len(got) != 1 || len(c.readings) != 1 {
		t.Errorf("the host's orphans have changed, and %d are known: got %+v", len(c.readings), got)
	}
}

// Of one that cannot be read nothing is reported, and nothing made up.
func TestCountsUnreadable(t *testing.T) {
	t.Parallel()
	c := newNetnsCounts(&fakeCounts{}, 0)
	for n := range 20 {
		if got := c.survey([]uint32{netns1}, second(n+1), false); len(got) > 0 {
			t.Fatalf("got %+v", got)
		}
	}
}

// Very many namespaces are read in turns: all of them, and in one survey only some.
func TestCountsInTurns(t *testing.T) {
	t.Parallel()
	const all = 200
	kernel := &fakeCounts{counts: map[uint32]event.NetnsCounts{}, slow: countsShare / 10}
	var known []uint32
	for inode := range uint32(all) {
		known = append(known, inode)
		kernel.counts[inode] = event.NetnsCounts{Conntrack: event.Conntrack{Entries: event.CounterOf(1)}}
	}
	c := newNetnsCounts(kernel, 0)
	surveys := 0
	for n := 1; len(kernel.read) < all && n < all; n++ {
		before, entered := len(kernel.read), len(kernel.entered)
		c.survey(known, second(n), false)
		if read := len(kernel.read) - before; read < fewCounts || read > fewCounts+1 || len(kernel.entered)-entered > fewTracked {
			t.Fatalf("%d were read, %d entered", read, len(kernel.entered)-entered)
		}
		surveys++
	}
	slices.Sort(kernel.read)
	if got := len(slices.Compact(kernel.read[:all])); got < all-fewCounts {
		t.Errorf("after %d surveys %d were read", surveys, got)
	}
}

// One in which something is counted is read more often than the others, which are read, too.
func TestCountsOfActiveFirst(t *testing.T) {
	t.Parallel()
	const all, active = 160, 7
	kernel := &fakeCounts{counts: map[uint32]event.NetnsCounts{}, slow: countsShare / 10}
	var known []uint32
	for inode := range uint32(all) {
		known = append(known, inode)
		kernel.counts[inode] = event.NetnsCounts{}
	}
	c := newNetnsCounts(kernel, all)
	reads := map[uint32]int{}
	for n := 1; n <= 60; n++ {
		kernel.counts[active] = event.NetnsCounts{TimeWaits: event.CounterOf(uint64(n))}
		kernel.read = nil
		c.survey(known, second(n), false)
		for _, inode := range kernel.read {
			reads[inode]++
		}
	}
	for inode := range uint32(all) {
		if inode != active && (reads[inode] == 0 || reads[active] < 2*reads[inode]) {
			t.Errorf("%d was read %d times, the active one %d times", inode, reads[inode], reads[active])
		}
	}
}

// A namespace is entered only if it tracks connections, or if only that shows whether it does.
func TestCountsTracking(t *testing.T) {
	t.Parallel()
	entries := event.CounterOf(5)
	stat := event.Conntrack{Entries: entries, Drops: event.CounterOf(2)}
	inside := event.Conntrack{Max: event.CounterOf(100), NAT: event.SettingOf(1)}
	whole := event.Conntrack{Entries: entries, Drops: event.CounterOf(2), Max: inside.Max, NAT: inside.NAT}
	none := event.Conntrack{Entries: event.CounterOf(0), Drops: event.CounterOf(0)}
	onlyInside := inside
	onlyInside.Entries = event.CounterOf(9)
	for name, c := range map[string]struct {
		stat, inside, want event.Conntrack
		entered            int
	}{
		"it tracks some":       {stat, inside, whole, 2},
		"it tracks none":       {none, inside, none, 0},
		"only inside it shows": {event.Conntrack{}, onlyInside, onlyInside, 2},
		"it does not track":    {event.Conntrack{}, event.Conntrack{}, event.Conntrack{}, 2},
	} {
		kernel := &fakeCounts{counts: map[uint32]event.NetnsCounts{netns1: {Conntrack: c.stat}}, tracking: c.inside}
		counts := newNetnsCounts(kernel, netns2)
		for n := 1; n <= 15; n++ {
			for _, got := range counts.survey([]uint32{netns1}, second(n), false) {
				if got.Conntrack != c.want {
					t.Errorf("%s, second %d: got %+v, want %+v", name, n, got.Conntrack, c.want)
				}
			}
		}
		if len(kernel.entered) != c.entered {
			t.Errorf("%s: entered %d times in 15 s", name, len(kernel.entered))
		}
	}
}
