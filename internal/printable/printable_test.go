package printable

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestString(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, in, want string }{
		{"empty", "", ""},
		{"plain", "curl -s", "curl -s"},
		{"unit", `dev-disk-by\x2duuid.device`, `dev-disk-by\x2duuid.device`},
		{"escape sequence", "\x1b[2J\x1b]0;owned\x07", `\x1b[2J\x1b]0;owned\a`},
		{"lines", "a\r\nb\tc", `a\r\nb\tc`},
		{"nul and del", "a\x00b\x7f", `a\x00b\x7f`},
		{"c1 as utf-8", "\u009b31m\u0085", `\u009b31m\u0085`},
		{"c1 as a byte", "\x9b31m", `\x9b31m`},
		{"bidi", "evil\u202ecod.exe\u2066", `evil\u202ecod.exe\u2066`},
		{"zero width", "ss\u200bhd\ufeff\u200d", `ss\u200bhd\ufeff\u200d`},
		{"tags", "a\U000e0041", `a\U000e0041`},
		{"soft hyphen", "a\u00adb", `a\u00adb`},
		{"blanks", "a\u00a0b\u3000\u2028", `a\u00a0b\u3000\u2028`},
		{"filler letters", "\u3164\u115f", `\u3164\u115f`},
		{"variation selector", "a\ufe0f", `a\ufe0f`},
		{"invalid", "ab\xc3\x28\xff", `ab\xc3(\xff`},
		{"cut rune", "日本\xe8\xaa", `日本\xe8\xaa`},
		{"a real replacement character", "\ufffd", "\ufffd"},
		{"private use", "\ue0b0", `\ue0b0`},
		{"wide", "データベース", "データベース"},
		{"accents", "cafe\u0301", "cafe\u0301"},
		{"a mark alone", "\u0301a", `\u0301a`},
		{"a pile of marks", "a\u0301\u0302\u0303\u0304b\u0301", "a\u0301\u0302" + `\u0303\u0304` + "b\u0301"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if got := String(tc.in); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func FuzzString(f *testing.F) {
	for _, seed := range []string{"curl", "\x1b[31mred", "a\u202eb", "\xff\xfe", "e\u0301\u0301\u0301", "\u0301", "日本"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := String(s)
		if !utf8.ValidString(got) {
			t.Fatalf("%q is not UTF-8", got)
		}
		for _, r := range got {
			if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || !unicode.IsPrint(r) {
				t.Fatalf("%q kept %U", got, r)
			}
		}
		if again := String(got); again != got {
			t.Fatalf("%q became %q", got, again)
		}
		if cleanPrefix(s) == len(s) && got != s {
			t.Fatalf("%q was changed to %q", s, got)
		}
	})
}

func BenchmarkString(b *testing.B) {
	name := strings.Repeat("/usr/lib/systemd/systemd-resolved", 3)
	b.ReportAllocs()
	for b.Loop() {
		String(name)
	}
}
