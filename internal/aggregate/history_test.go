package aggregate

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// TestSnapshotIsTheSameEachTime covers the order of every list.
func TestSnapshotIsTheSameEachTime(t *testing.T) {
	t.Parallel()
	stream := randomStream(3, 6_000)
	first := of(stream...)
	a, b := first.Snapshot(0), first.Snapshot(0)
	if !reflect.DeepEqual(a, b) {
		t.Error("two snapshots of one moment differ")
	}
	// So do two runs, however they are cut into batches.
	second := newStream()
	for batch := range slices.Chunk(stream, 777) {
		second.Add(batch)
	}
	if c := second.Snapshot(0); !reflect.DeepEqual(a, c) {
		t.Error("two runs of one stream differ")
	}
}

// TestSnapshotDoesNotChange adds events to a state after its snapshot was taken.
func TestSnapshotDoesNotChange(t *testing.T) {
	t.Parallel()
	stream := randomStream(4, 4_000)
	s := of(stream[:2000]...)
	snap, want := s.Snapshot(0), of(stream[:2000]...).Snapshot(0)
	s.Add(stream[2000:])
	if !reflect.DeepEqual(snap, want) {
		t.Error("a snapshot has changed")
	}
}

func TestTimeDoesNotGoBack(t *testing.T) {
	t.Parallel()
	s := of(after(time.Minute, with(event.Open, nil)), with(event.Open, nil))
	if snap := s.Snapshot(begin); snap.At != begin.Add(time.Minute) || snap.Totals.Opens != 2 {
		t.Errorf("at %d: %+v", snap.At, snap.Totals)
	}
}
