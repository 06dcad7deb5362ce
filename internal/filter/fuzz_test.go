package filter

import (
	"strings"
	"testing"

	"github.com/porttrace/porttrace/internal/event"
)

// FuzzDest has any text for --dest: what is taken selects its own address.
func FuzzDest(f *testing.F) {
	for _, seed := range []string{"10.0.0.0/8:80", "[fd00::/8]:443", "::ffff:1.2.3.4", "[", "]:", "1:2:3"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, arg string) {
		if _, err := Parse(Request{Dest: []string{arg}}); err != nil {
			if strings.Contains(err.Error(), "\n") && !strings.Contains(arg, "\n") {
				t.Errorf("error of several lines: %v", err)
			}
			return
		}
		if d, err := parseDest(arg); err != nil || !d.prefix.IsValid() || !d.contains(event.Endpoint{Addr: event.AddrFrom(d.prefix.Addr()), Port: d.port}) {
			t.Errorf("--dest %s does not select %v", arg, d)
		}
	})
}

// FuzzFlags has any text for each of the flags, alone and beside another: it is refused by name, in a
// line, or selects the process that is called so; a second flag selects no more.
func FuzzFlags(f *testing.F) {
	for i, value := range []string{"42", "c*", "/usr/bin/curl", "0a1b2c", "a@b.service", "/a/b", "[fd00::/8]:443", "443", "4026531833"} {
		f.Add(uint8(i), value, uint8(i+1), "[a-")
	}
	f.Fuzz(func(t *testing.T, first uint8, value string, second uint8, other string) {
		p := event.Process{Comm: value, Exe: value, Unit: value, Cgroup: value, Container: value}
		e := event.Event{Kind: event.Open, Direction: event.Out, Proc: event.ProcID{PID: 42}, Netns: 4026531833}
		flag := &Flags[int(first)%len(Flags)]
		var r Request
		*flag.Values(&r) = []string{value}
		alone, err := Parse(r)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "--"+flag.Name) || strings.Contains(err.Error(), "\n") && !strings.Contains(value, "\n") {
				t.Errorf("%v", err)
			}
			return
		}
		matched := alone.Match(&e, &p)
		if named := strings.Contains("comm unit container cgroup", flag.Name); named && !matched && !strings.ContainsAny(value, `\[`) {
			t.Errorf("--%s %q does not select %+v", flag.Name, value, p)
		}
		more := &Flags[int(second)%len(Flags)]
		if more == flag {
			return
		}
		*more.Values(&r) = []string{other}
		if both, err := Parse(r); err == nil && both.Match(&e, &p) && !matched {
			t.Errorf("--%s %q with --%s %q selects more than alone", flag.Name, value, more.Name, other)
		}
	})
}
