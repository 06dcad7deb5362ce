package report

import (
	"math"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// hours is a stream with a snapshot in each second: an open a second, and a port
// space that is full once.
func hours(seconds int, full int) *Series {
	var series Series
	space := fullSpaces()[0]
	space.Kind, space.Capacity = snapshot.ConnectSpace, 1000
	for n := 1; n <= seconds; n++ {
		p := space
		p.Fill = []snapshot.FillPoint{{Capacity: 1000, InUse: 100}, {Capacity: 1000, InUse: 100}}
		if n == full {
			p.Fill[1] = snapshot.FillPoint{Capacity: 1000, InUse: 1000, Exhausted: 7}
		}
		at := time.Duration(n) * time.Second
		series.Add(&snapshot.Snapshot{
			At: event.Time(at), Started: started, Wall: started.Add(at), Elapsed: at, Totals: snapshot.Totals{Opens: uint64(n)},
			PortSpaces: []snapshot.PortSpace{p},
		})
	}
	return &series
}

// TestSeriesIsBounded has a stream of which each second is seen, in as many samples as fit.
func TestSeriesIsBounded(t *testing.T) {
	t.Parallel()
	for _, seconds := range []int{1, 399, 400, 401, 5000} {
		s := hours(seconds, seconds/2)
		opens, denied, end := uint64(0), uint32(0), started
		for i := range s.samples {
			a := &s.samples[i]
			if !a.begin.Equal(end) {
				t.Errorf("%d: sample %d begins at %s, the one before ends at %s", seconds, i, a.begin, end)
			}
			opens, end = opens+a.opens, a.end
			for _, p := range a.spaces {
				denied += p.Exhausted
				if (p.Exhausted > 0) != (p.InUse == 1000) {
					t.Errorf("%d: sample %d: %+v", seconds, i, p)
				}
			}
		}
		if len(s.samples) > maxSamples || len(s.samples) < min(seconds, maxSamples/2) || opens != uint64(seconds) || !end.Equal(started.Add(time.Duration(seconds)*time.Second)) {
			t.Errorf("%d: %d samples with %d opens until %s", seconds, len(s.samples), opens, end)
		}
		if seconds > 1 && denied != 7 {
			t.Errorf("%d: %d calls found no port, want 7", seconds, denied)
		}
		if worst := s.fullest(3); len(worst) != 1 || s.names[worst[0]] == "" {
			t.Errorf("%d: %v", seconds, worst)
		}
	}
}

// TestMissingPart has a stream of which a part was not recorded: it is no time without connections.
func TestMissingPart(t *testing.T) {
	t.Parallel()
	s := hours(10, 5)
	at := func(seconds float64) time.Time { return started.Add(time.Duration(seconds * float64(time.Second))) }
	last := &snapshot.Snapshot{Gaps: []snapshot.Gap{{Begin: at(3.5), End: at(5)}, {Begin: at(9), Truncated: true}}}
	s.mark(last.Gaps)
	rates := s.rates(last)
	for i, y := range rates.Chart.Lines[0].Y {
		if missing := i == 3 || i == 4; missing != math.IsNaN(y) || !missing && y != 1 {
			t.Errorf("in second %d: %v/s", i, y)
		}
	}
}

func TestKeepMost(t *testing.T) {
	t.Parallel()
	all := map[snapshot.ProgramKey]int64{{Executable: "a"}: 5, {Executable: "b"}: 7, {Executable: "c"}: 5, {Executable: "d"}: 1}
	keepLongest(all, 2)
	if len(all) != 2 || all[snapshot.ProgramKey{Executable: "a"}] != 5 || all[snapshot.ProgramKey{Executable: "b"}] != 7 {
		t.Errorf("%v", all)
	}
}
