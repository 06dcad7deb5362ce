package aggregate

import (
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

func openedAt(at time.Duration, pid uint32) *event.Event {
	return &event.Event{Time: event.Time(at), Kind: event.Open, Count: 1, Proc: event.ProcID{PID: pid, Start: 1}}
}

// A program that opens a thousand connections a second leaves room for others, and failures for
// calls that succeed.
func TestRecentIsShared(t *testing.T) {
	t.Parallel()
	r, world := newRecent(), &event.World{}
	for i := range 1000 {
		r.add(openedAt(time.Hour, 1), world)
		if i >= 900 {
			r.add(openedAt(time.Hour, uint32(i)), world)
		}
	}
	fails := openedAt(time.Hour, 5)
	fails.Kind = event.ConnectFail
	r.add(fails, world)
	left := openedAt(time.Hour, 6)
	left.Flags = event.NotSelected
	r.add(left, world)
	got := r.newest()
	if len(got) != recentCalls+1 || got[len(got)-1].Kind != event.ConnectFail {
		t.Errorf("%d events, the last %v", len(got), got[len(got)-1].Kind)
	}
	if want := uint64(1100 - recentCalls); r.leftOut != want {
		t.Errorf("%d were left out, want %d", r.leftOut, want)
	}
}

// What a snapshot has does not change when events come.
func TestRecentDoesNotChange(t *testing.T) {
	t.Parallel()
	r, world := newRecent(), &event.World{}
	var first []snapshot.RecentEvent
	for i := range 5 * snapshot.MaxRecentEvents {
		r.add(openedAt(time.Hour+time.Duration(i)*time.Second, uint32(i)), world)
		if i == snapshot.MaxRecentEvents+7 {
			first = r.newest()
		}
	}
	if len(first) != snapshot.MaxRecentEvents || first[0].Proc.PID != 8 || first[len(first)-1].Proc.PID != snapshot.MaxRecentEvents+7 {
		t.Errorf("%d events from %d to %d", len(first), first[0].Proc.PID, first[len(first)-1].Proc.PID)
	}
	if last := r.newest(); len(last) != snapshot.MaxRecentEvents || last[len(last)-1].Proc.PID != 5*snapshot.MaxRecentEvents-1 {
		t.Errorf("the newest is %v", last[len(last)-1].Proc)
	}
}
