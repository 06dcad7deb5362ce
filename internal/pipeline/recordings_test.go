package pipeline

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/record"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// eventsOf reads a recording.
func eventsOf(t *testing.T, name string) (events []event.Event) {
	t.Helper()
	reader, file, err := record.OpenFile(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for {
		batch, err := reader.Read(context.Background())
		events = append(events, batch.Events...)
		if errors.Is(err, io.EOF) {
			return events
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// shownAt returns the snapshot at a moment, of the events before it.
func shownAt(t *testing.T, events []event.Event, at event.Time) *snapshot.Snapshot {
	t.Helper()
	n := slices.IndexFunc(events, func(e event.Event) bool { return e.Time >= at })
	if n < 0 {
		n = len(events)
	}
	state := NewState(nil)
	if err := state.Add(event.Batch{Events: slices.Clone(events[:n])}, nil); err != nil {
		t.Fatal(err)
	}
	return state.Snapshot(at)
}

// TestRecordingsShowMaps checks maps and histories of recordings, old ones too: each map has what
// its row has, and each history what was shown then.
func TestRecordingsShowMaps(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../record/testdata/versions/*.ptrace")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	maps, points, failures := 0, 0, uint32(0)
	for _, name := range append(files, "../../cmd/porttrace/demo.ptrace") {
		events := eventsOf(t, name)
		end := slices.MaxFunc(events, func(a, b event.Event) int { return int(a.Time.Sub(b.Time)) }).Time.Add(time.Second)
		end -= end % event.Time(time.Second)
		last := shownAt(t, events, end)
		for i := range last.PortSpaces {
			if last.PortSpaces[i].Map != nil {
				checkMap(t, name, &last.PortSpaces[i])
				maps++
			}
		}
		for _, p := range last.Worst {
			failures += p.Exhausted
		}
		for ago := 1; ago < len(last.Worst); ago += 1 + len(last.Worst)/4 {
			then := shownAt(t, events, end.Add(-time.Duration(ago)*time.Second))
			points += comparePoints(t, name, last, then, ago)
		}
	}
	if maps < 10 || points < 10 || failures == 0 {
		t.Errorf("%d maps, %d points, %d failures", maps, points, failures)
	}
}

func checkMap(t *testing.T, name string, s *snapshot.PortSpace) {
	t.Helper()
	sum := s.Map.Total()
	live := int(sum.Open) + int(sum.SynSent) + int(sum.CloseWait)
	if live != s.Live || int(sum.TimeWait) != s.TimeWait || int(sum.Bound)+int(sum.Listener) != s.Bound || sum.Free() != s.Headroom() {
		t.Errorf("%s, %+v: the map has %+v, the row %+v", name, s.ID(), sum, s.Occupancy)
	}
}

// comparePoints compares histories with what was shown some seconds before, and returns how many
// points there were.
func comparePoints(t *testing.T, name string, last, then *snapshot.Snapshot, ago int) (n int) {
	t.Helper()
	for i := range then.PortSpaces {
		row := &then.PortSpaces[i]
		now := last.Space(row.ID())
		if now == nil || len(now.Fill) <= ago {
			continue
		}
		n++
		p := now.Fill[len(now.Fill)-1-ago]
		if int(p.Capacity) != row.Capacity || int(p.InUse) != row.InUse() || int(p.TimeWait) != row.TimeWait || int(p.Reusable) != row.Reusable {
			t.Errorf("%s, %d s before the end of %+v: %+v, and the row was %+v", name, ago, row.ID(), p, row.Occupancy)
		}
	}
	return n
}
