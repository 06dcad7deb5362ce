package tui

import (
	"strings"
	"testing"
)

// TestTabsAreSeen: on every usual terminal all tables are named, and the one shown has its number
// of rows.
func TestTabsAreSeen(t *testing.T) {
	t.Parallel()
	for _, s := range []source{worst("prices"), worst("crawler"), made(fixture)} {
		for _, size := range common {
			for _, tab := range []string{"1", "2", "3", "4", "5"} {
				m := screen(size.width, size.height, s(t), tab)
				if got := text(m); !strings.Contains(got, "["+tab+" ") || !strings.Contains(got, " "+rowCount(m.shown, m.tab)+"]") || !strings.Contains(got, "5 Events") {
					t.Errorf("%v: table %s is cut:\n%s", size, tab, got)
				}
			}
		}
	}
}
