package doctor

import (
	"strings"
	"testing"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// A program that ends its connections by a RST is a note, and only if that is its habit.
func TestResets(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		resets, closes uint64
		noted          bool
	}{{90, 90, false}, {400, 1000, false}, {900, 1000, true}} {
		s := &snapshot.Snapshot{Processes: []snapshot.Process{{
			Info:   event.Process{ID: event.ProcID{PID: 7, Start: 1}, Comm: "shop"},
			Totals: snapshot.Totals{Opens: tc.closes, ClosesOut: tc.closes, ResetsOut: tc.resets},
		}}}
		findings := Judge(s)
		if noted := len(findings) == 1 && findings[0].ID == "none:rst:shop" && strings.Contains(findings[0].Summary, "is no cure"); noted != tc.noted {
			t.Errorf("%d of %d: %+v", tc.resets, tc.closes, findings)
		}
		if len(urgent(findings)) > 0 {
			t.Errorf("%d of %d: %+v", tc.resets, tc.closes, findings)
		}
	}
}
