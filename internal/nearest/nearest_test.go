package nearest

import (
	"slices"
	"strings"
	"testing"
)

func TestTo(t *testing.T) {
	t.Parallel()
	names := []string{"report", "replay", "record", "events", "pid", "comm", "duration"}
	for _, c := range []struct {
		name   string
		within int
		want   []string
	}{
		{"reports", 2, []string{"report"}},
		{"repotr", 2, []string{"report"}},
		{"durat", 0, nil},
		{"durat", 1, []string{"duration"}}, // a part of it
		{"pids", 1, []string{"pid"}},
		{"reprot", 3, []string{"report", "replay", "record"}},
		{"", 2, nil},
		{strings.Repeat("x", 1<<10), 2, nil},
	} {
		if got := To(c.name, names, c.within); !slices.Equal(got, c.want) {
			t.Errorf("%s within %d: %q, want %q", c.name, c.within, got, c.want)
		}
	}
}
