package spelling

import "testing"

func TestNearest(t *testing.T) {
	t.Parallel()
	known := []string{"report", "processes", "key", "ns", "unit", "dark", "destinations"}
	for word, want := range map[string]string{
		"reports":      "report",
		"rep":          "report",
		"reprot":       "report",
		"unti":         "unit",
		"nuit":         "unit",
		"drak":         "dark",
		"dork":         "dark",
		"destinatoin":  "destinations", // two edits
		"proceses":     "processes",
		"ke":           "key",
		"kee":          "key",
		"k":            "",
		"ms":           "", // of two letters one is half
		"sunrise":      "",
		"units are so": "unit",
		"":             "",
	} {
		if got, ok := Nearest(word, known); got != want || ok != (want != "") {
			t.Errorf("%s: %q", word, got)
		}
	}
}

func TestEdits(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"abc", "abc", 0}, {"abc", "acb", 1}, {"kitten", "sitting", 3}, {"ca", "abc", 3}} {
		if got := edits(test.a, test.b); got != test.want {
			t.Errorf("%s, %s: %d", test.a, test.b, got)
		}
	}
}
