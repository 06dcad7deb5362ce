package anonymize

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/porttrace/porttrace/internal/event"
)

// FuzzNames has any name, in each place where one stands: what stands for it is the same each time, is
// text, has as many parts, and has none of it that is not public.
func FuzzNames(f *testing.F) {
	for _, name := range []string{
		"billing.py", "/srv/acme/billing", "pg@acme.service", "/system.slice/docker-" + strings.Repeat("0a1b2c3d", 8) + ".scope",
		"very-long-program-name", "php-fpm8.2", "\xff/\x00 …", "host",
	} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		n, again := newNames(), newNames()
		for place, of := range map[string]func(*names) func(string) string{
			"file":        func(n *names) func(string) string { return n.file },
			"path":        func(n *names) func(string) string { return n.path },
			"unit":        func(n *names) func(string) string { return n.unit },
			"cgroup":      func(n *names) func(string) string { return n.cgroup },
			"container":   func(n *names) func(string) string { return n.container },
			"netns":       func(n *names) func(string) string { return n.netns },
			"host":        func(n *names) func(string) string { return n.host },
			"commandLine": func(n *names) func(string) string { return n.commandLine },
		} {
			hidden := of(n)(name)
			if second := of(again)(name); second != hidden {
				t.Errorf("%s %q is %q, and %q", place, name, hidden, second)
			}
			if !utf8.ValidString(hidden) {
				t.Errorf("%s %q is %q", place, name, hidden)
			}
			if place == "path" && strings.Count(hidden, "/") != strings.Count(name, "/") {
				t.Errorf("the path %q is %q", name, hidden)
			}
			if place == "commandLine" && len(hidden) > event.MaxCommandLine {
				t.Errorf("a command line of %d bytes", len(hidden))
			}
			requireHidden(t, place, name, hidden)
		}
	})
}

// requireHidden fails if a word of eight letters and more that only a user can have made is still there.
func requireHidden(t *testing.T, place, name, hidden string) {
	t.Helper()
	private := func(r rune) bool { return r < 'g' || r > 'z' } // a stand-in has digits up to f
	for _, word := range strings.FieldsFunc(name, private) {
		if len(word) < 8 || !strings.Contains(hidden, word) {
			continue
		}
		for _, public := range []map[string]bool{programs, directories, endings, unitTypes, units, runtimes} {
			for known := range public {
				if strings.Contains(known, word) {
					return
				}
			}
		}
		t.Errorf("%s %q is %q, with %s", place, name, hidden, word)
	}
}

// FuzzAddr has any address, and another one: none becomes the other, what was can be restored, and the
// bits that both begin with are as many as before.
func FuzzAddr(f *testing.F) {
	f.Add([]byte{10, 0, 0, 1}, []byte{10, 0, 0, 2}, true)
	f.Add([]byte{0xfd, 15: 1}, []byte{0xfe, 0x80, 15: 2}, false)
	f.Fuzz(func(t *testing.T, one, two []byte, v4 bool) {
		a := New(Key{1}, func(string) string { return "" })
		first, second := addrOf(one, v4), addrOf(two, v4)
		if hidden := a.addr(first); a.original(hidden) != first {
			t.Errorf("%v is %v, which was %v", first, hidden, a.original(hidden))
		}
		if first.Is4() != second.Is4() {
			return
		}
		if before, after := commonBits(first.IP(), second.IP()), commonBits(a.addr(first).IP(), a.addr(second).IP()); before != after {
			t.Errorf("%v and %v have %d bits in common, and %d after", first, second, before, after)
		}
	})
}

func addrOf(b []byte, v4 bool) (a event.Addr) {
	if !v4 {
		copy(a[:], b)
		return a
	}
	a[10], a[11] = 0xff, 0xff
	copy(a[12:], b)
	return a
}
