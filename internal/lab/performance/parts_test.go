package performance

import "testing"

const doc = "# Title\n\n<!-- part: a -->\nold\n<!-- end -->\n\n<!-- part: b -->kept<!-- end -->\n"

// Only the named part changes, and again is the same.
func TestReplace(t *testing.T) {
	want := "# Title\n\n<!-- part: a -->\nnew\n<!-- end -->\n\n<!-- part: b -->kept<!-- end -->\n"
	for from := doc; ; from = want {
		got, err := Replace(from, "a", "\nnew\n")
		if err != nil || got != want {
			t.Fatalf("%q, %v", got, err)
		}
		if from == want {
			return
		}
	}
}

func TestFind(t *testing.T) {
	if got, err := Find(doc, "b"); err != nil || got != "kept" {
		t.Errorf("%q, %v", got, err)
	}
	for _, name := range []string{"c", "a -->"} {
		if got, err := Find(doc, name); err == nil {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestTable(t *testing.T) {
	want := "| a  | µs  |\n| -- | --- |\n| bb | 1.5 |\n"
	if got := Table([][]string{{"a", "µs"}, {"bb", "1.5"}}); got != want {
		t.Errorf("%q", got)
	}
}
