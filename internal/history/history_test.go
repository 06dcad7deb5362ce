package history

import (
	"slices"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

const begin = event.Time(1000 * time.Second)

func opens(points []snapshot.Point) []uint32 {
	var values []uint32
	for _, p := range points {
		values = append(values, p.Opens)
	}
	return values
}

func TestHistory(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		at   []time.Duration
		now  time.Duration
		want []uint32
	}{
		{"nothing", nil, 9 * time.Second, nil},
		{"the second has not ended", []time.Duration{0}, 999 * time.Millisecond, nil},
		{"one", []time.Duration{0, 1}, time.Second, []uint32{2}},
		{"a gap", []time.Duration{time.Second, 4 * time.Second}, 6 * time.Second, []uint32{1, 0, 0, 1, 0}},
		{
			"a late event",
			[]time.Duration{3 * time.Second, time.Second, 2 * time.Second, time.Second},
			5 * time.Second,
			[]uint32{2, 1, 1, 0},
		},
		{"long ago", []time.Duration{0}, 121 * time.Second, nil},
		{"the oldest second", []time.Duration{0}, 120 * time.Second, append([]uint32{1}, make([]uint32, 119)...)},
	} {
		var h History
		for _, at := range tc.at {
			h.Add(begin.Add(at), snapshot.Point{Opens: 1})
		}
		if got := opens(h.Share(begin.Add(tc.now)).Points()); !slices.Equal(got, tc.want) {
			t.Errorf("%s: got %v, want %v", tc.name, got, tc.want)
		}
	}
}

func TestHistoryIsBounded(t *testing.T) {
	t.Parallel()
	var h, other History
	for i := range 500 {
		h.Add(begin.Add(time.Duration(i)*time.Second), snapshot.Point{Opens: uint32(i)})
		other.Add(begin.Add(time.Duration(i)*time.Second), snapshot.Point{Opens: 1, Failures: 1})
	}
	h.Add(begin, snapshot.Point{Opens: 1_000_000}) // too late for what is kept
	check := func(add uint32) {
		t.Helper()
		got := opens(h.Share(begin.Add(500 * time.Second)).Points())
		if len(got) != snapshot.HistorySeconds || got[0] != 380+add || got[119] != 499+add || cap(h.seconds) > 2*snapshot.HistorySeconds {
			t.Errorf("%d points from %d to %d", len(got), got[0], got[len(got)-1])
		}
	}
	check(0)
	h.Merge(&other)
	check(1)
	h.Add(begin.Add(400*time.Second), snapshot.Point{Opens: 1})
	if got := opens(h.Share(begin.Add(500 * time.Second)).Points()); got[20] != 402 {
		t.Errorf("second 400 has %d", got[20])
	}
}

func TestRates(t *testing.T) {
	t.Parallel()
	ten := snapshot.Point{Opens: 10, Closes: 5, Failures: 1}
	for _, tc := range []struct {
		name    string
		seconds []int // in which ten opens were, from the start
		now     time.Duration
		want    float64
	}{
		{"nothing", nil, time.Second, 0},
		{"less than a second", []int{0}, 100 * time.Millisecond, 10},
		{"since the start", []int{0, 1}, 2 * time.Second, 10},
		{"the window", []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, 9999999999, 10},
		{"it has ended", []int{0, 1}, time.Minute, 0},
		{"half of the window", []int{50, 51}, 54 * time.Second, 5},
	} {
		var h History
		for _, s := range tc.seconds {
			h.Add(begin.Add(time.Duration(s)*time.Second), ten)
		}
		got := h.Rates(begin, begin.Add(tc.now))
		if near(got.Opens, tc.want) && near(got.Closes, tc.want/2) && near(got.Failures, tc.want/10) {
			continue
		}
		t.Errorf("%s: got %+v, want %g opens", tc.name, got, tc.want)
	}
}

func near(got, want float64) bool { return got >= want*0.999999 && got <= want*1.000001 }

// TestShare: what a snapshot has does not change, whatever comes later.
func TestShare(t *testing.T) {
	t.Parallel()
	var h History
	for i := range 3 * snapshot.HistorySeconds {
		h.Add(begin.Add(time.Duration(i)*time.Second), snapshot.Point{Opens: 1})
		now := begin.Add(time.Duration(i+1) * time.Second)
		shared := h.Share(now)
		before := opens(shared.Points())
		h.Add(now.Add(-time.Second), snapshot.Point{Opens: 5}) // late
		h.Add(now, snapshot.Point{Opens: 7})
		if got := opens(shared.Points()); !slices.Equal(got, before) {
			t.Fatalf("second %d: a snapshot has %v, and had %v", i, got, before)
		}
		if late := opens(h.Share(now).Points()); late[len(late)-1] != before[len(before)-1]+5 {
			t.Fatalf("second %d: %v, and %v before the late event", i, late, before)
		}
	}
}

// TestShareCopiesNothing: snapshots between which nothing happens cost no memory.
func TestShareCopiesNothing(t *testing.T) {
	var h History
	h.Add(begin, snapshot.Point{Opens: 1})
	if n := testing.AllocsPerRun(10, func() { h.Share(begin.Add(time.Minute)) }); n != 0 {
		t.Errorf("%.0f allocations of a history that has not changed", n)
	}
}

// A sum counts evenly over the seconds between its first and its last event, and is whole.
func TestAddSpan(t *testing.T) {
	t.Parallel()
	at := func(seconds float64) event.Time { return begin.Add(time.Duration(seconds * float64(time.Second))) }
	for name, c := range map[string]struct {
		first, last event.Time
		want        []uint32
	}{
		"in one second":          {at(0.1), at(0.9), []uint32{100, 0, 0, 0}},
		"of two":                 {at(0.75), at(1.75), []uint32{25, 75, 0, 0}},
		"of three":               {at(0.5), at(2.5), []uint32{25, 50, 25, 0}},
		"at a moment":            {at(1), at(1), []uint32{100, 0, 0}},
		"its first is not known": {0, at(1), []uint32{100, 0, 0}},
		"backwards":              {at(2), at(1), []uint32{100, 0, 0}},
	} {
		var h History
		h.AddSpan(c.first, c.last, snapshot.Point{Opens: 100})
		if got := opens(h.Share(at(4)).Points()); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	var none *History
	none.AddSpan(at(0), at(2), snapshot.Point{Opens: 1})
}
