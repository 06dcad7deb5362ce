package snapshot

import (
	"testing"

	"github.com/porttrace/porttrace/internal/event"
)

func TestComplete(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		snap Snapshot
		want bool
	}{
		{"all is known", Snapshot{}, true},
		{"counted without detail", Snapshot{Health: event.Health{LostDetails: 9, Filtered: 9, Missed: 9}}, true},
		{"lost", Snapshot{Health: event.Health{Lost: 1}}, false},
		{"missing", Snapshot{Gaps: make([]Gap, 1)}, false},
	} {
		if got := tc.snap.Complete(); got != tc.want {
			t.Errorf("%s: complete is %v", tc.name, got)
		}
	}
}
