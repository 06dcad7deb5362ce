package procinfo

import (
	"strings"
	"testing"
)

// The fields of a real line from state (3) to start time (22) and one beyond.
const statTail = " S 41 42 43 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654 12345"

func TestParseStat(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, comm string }{
		{"plain", "nginx"},
		{"empty", ""},
		{"space", "tmux: server"},
		{"parentheses", ":-) (x) 1 2"},
		{"newline", "a\n9 (b) S 1"},
		{"invalid UTF-8", "\xff\xfe"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := parseStat([]byte("123 (" + tc.comm + ")" + statTail + "\n"))
			if err != nil {
				t.Fatal(err)
			}
			if want := (stat{comm: tc.comm, ppid: 41, start: 987654}); got != want {
				t.Errorf("parseStat = %+v, want %+v", got, want)
			}
		})
	}
}

func TestParseStatRefuses(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"", "123", "123 (a", "123 a)", ")(", "1 (a) S 1",
		"1 (a)" + strings.Replace(statTail, "41", "-1", 1),
		"1 (a)" + strings.Replace(statTail, "987654", "x", 1),
	} {
		if got, err := parseStat([]byte(line)); err == nil {
			t.Errorf("parseStat(%q) = %+v, want an error", line, got)
		}
	}
}

func TestStatusNumber(t *testing.T) {
	t.Parallel()
	const status = "Name:\tUid:\\n9\nTgid:\t77\nUid:\t1000\t1001\t1002\t1003\n"
	for key, want := range map[string]uint32{"Tgid": 77, "Uid": 1000} {
		got, err := statusNumber([]byte(status), key)
		if err != nil || got != want {
			t.Errorf("statusNumber(%q) = %d, %v, want %d", key, got, err, want)
		}
	}
	for _, bad := range []string{"", "Uid:\n", "Uid:\t-1\n", "Uid:\t4294967296\n"} {
		if got, err := statusNumber([]byte(bad), "Uid"); err == nil {
			t.Errorf("statusNumber of %q = %d, want an error", bad, got)
		}
	}
}
