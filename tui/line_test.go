package tui

import (
	"testing"

	"github.com/charmbracelet/x/ansi"
)

// TestPlainWidths: what is found quickly is what the library finds.
func TestPlainWidths(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", " ", "a", "10.0.0.1:443 ~!", "\x1b[1mbold\x1b[0m", "é", "データ", "a→b", "\t", "x\x7f", "e\u0301te"} {
		if got, want := cells(s), ansi.StringWidthWc(s); got != want {
			t.Errorf("%q: %d cells, want %d", s, got, want)
		}
		for width := -1; width < 20; width++ {
			if got, want := cut(s, width), ansi.TruncateWc(s, max(width, 0), "…"); got != want {
				t.Errorf("%q in %d cells: %q, want %q", s, width, got, want)
			}
		}
	}
}
