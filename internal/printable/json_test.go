package printable

import (
	"encoding/json"
	"testing"
)

func TestJSON(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`{"comm":"curl"}`:      `{"comm":"curl"}`,
		"\"\u009b\u202e\x7f\"": `"\u009b\u202e\u007f"`,
		"\"\u65e5\U0001f600\"": `"\u65e5\ud83d\ude00"`,
		"\"\xff\"":             `"\ufffd"`,
		"":                     "",
	} {
		if got := string(JSON([]byte(in))); got != want {
			t.Errorf("%q became %s, want %s", in, got, want)
		}
	}
}

func FuzzJSON(f *testing.F) {
	f.Add("curl")
	f.Add("\x1b\u009b\u202e\x7f\xff\U0001f600")
	f.Fuzz(func(t *testing.T, s string) {
		encoded, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		ascii := JSON(encoded)
		for _, b := range ascii {
			if b < ' ' || b > '~' {
				t.Fatalf("%q is not printable ASCII", ascii)
			}
		}
		var before, after string
		if json.Unmarshal(encoded, &before) != nil || json.Unmarshal(ascii, &after) != nil || before != after {
			t.Fatalf("%q became %q", before, after)
		}
	})
}
