package phrase

import (
	"bytes"
	"testing"
)

func TestWrap(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		indent, width int
		text, want    string
	}{
		{0, 8, "", "\n"},
		{0, 8, "one two three", "one two\nthree\n"},
		{2, 7, "one two", "one\n  two\n"},
		{2, 9, " one\n two ", "one two\n"},
		{0, 3, "häßlich ab", "häßlich\nab\n"},
		{0, 4, "äö üß", "äö\nüß\n"},
		{0, 5, "äö üß", "äö üß\n"},
	} {
		var out bytes.Buffer
		if Wrap(&out, tc.indent, tc.text, tc.width); out.String() != tc.want {
			t.Errorf("%q from %d to %d: %q, want %q", tc.text, tc.indent, tc.width, out.String(), tc.want)
		}
	}
}
