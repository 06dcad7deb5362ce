package phrase

import (
	"net/netip"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

func TestProgram(t *testing.T) {
	t.Parallel()
	id := event.ProcID{PID: 18641, Start: 1}
	for _, c := range []struct {
		p          event.Process
		full, name string
	}{
		{event.Process{}, "(unknown)", "(unknown)"},
		{event.Process{ID: id}, "?(18641)", "?"},
		{event.Process{ID: id, Comm: "curl", Exe: "/usr/bin/curl"}, "curl(18641)", "curl"},
		{event.Process{ID: id, Comm: "containerd-shim", Exe: "/bin/containerd-shim-runc-v2"}, "containerd-shim-runc-v2(18641)", "containerd-shim-runc-v2"},
		{event.Process{ID: id, Comm: "python3", Script: "/srv/billing.py"}, "billing.py (python3 18641)", "billing.py"},
		{event.Process{ID: id, Comm: "sh\x1b", Script: "a\x1b[2Jb"}, `a\x1b[2Jb (sh\x1b 18641)`, `a\x1b[2Jb`},
	} {
		if full, name := Program(&c.p), ProgramName(&c.p); full != c.full || name != c.name {
			t.Errorf("%+v: %q, %q; want %q, %q", c.p, full, name, c.full, c.name)
		}
	}
}

func TestPrograms(t *testing.T) {
	t.Parallel()
	worker := func(n uint64) snapshot.Program {
		p := event.Process{ID: event.ProcID{PID: uint32(n), Start: n}, Comm: "nginx", Exe: "/usr/sbin/nginx"}
		return snapshot.NewProgram(&p)
	}
	one, two, third := worker(7), worker(7), worker(8)
	two.Join(&third)
	about := two
	about.Processes, about.About = 9812, true
	for want, p := range map[string]snapshot.Program{
		"unknown owner": {}, "nginx(7)": one, "nginx ×2": two, "nginx ×~9,812": about,
	} {
		if got := Programs(&p); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	for want, h := range map[string]snapshot.Holder{
		"unknown owner (from before start)": {HeldCount: snapshot.HeldCount{Live: 2, Before: 2}}, "unknown owner": {HeldCount: snapshot.HeldCount{Live: 2, Before: 1}},
	} {
		if got := ProgramHolder(&snapshot.ProgramHolder{Holder: h}); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	v := snapshot.ProgramVictim{Program: two, Rate: 182}
	v.Failures = 7731
	if got, want := ProgramVictim(&v), "nginx ×2: 7,731 times, 182/s"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// The sentence has the rate and the number of all processes of a program, also of those that have
// no row any more; and two processes that fail alike are one sentence.
func TestSentenceByProgram(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 27, 5, 17, 45, 0, time.UTC)
	row := func(pid uint32, script string) snapshot.Failure {
		return snapshot.Failure{
			Proc: event.Process{ID: event.ProcID{PID: pid, Start: uint64(pid)}, Comm: "python3", Exe: "/usr/bin/python3", Script: script},
			Op:   event.OpConnect, Proto: event.TCP, Errno: event.ECONNREFUSED, Reason: event.Refused, Target: event.Endpoint{Addr: event.Addr(netip.MustParseAddr("10.0.0.2").As16()), Port: 80},
			Count: 1, Rate: 0.2, First: now, Last: now,
		}
	}
	s := &snapshot.Snapshot{Wall: now, Failures: []snapshot.Failure{row(1, "a.py"), row(2, "a.py")}}
	if got := firstFailure(s); got != "a.py ×2 cannot connect to 10.0.0.2:80: connection refused (ECONNREFUSED), 0.4/s" {
		t.Errorf("two processes: %q", got)
	}
	s.ProgramFailures = snapshot.ProgramFailures(s.Failures)
	sum := &s.ProgramFailures[0]
	sum.Count, sum.Rate, sum.Program.Processes = 9_000, 102, 9_000
	if got := firstFailure(s); got != "a.py ×9,000 cannot connect to 10.0.0.2:80: connection refused (ECONNREFUSED), 102/s" {
		t.Errorf("most without a row: %q", got)
	}
	s.ProgramFailures, s.Failures[1] = nil, row(2, "b.py")
	if got := firstFailure(s); got != "b.py (python3 2) cannot connect to 10.0.0.2:80: connection refused (ECONNREFUSED), 0.2/s; 1 more failure" &&
		got != "a.py (python3 1) cannot connect to 10.0.0.2:80: connection refused (ECONNREFUSED), 0.2/s; 1 more failure" {
		t.Errorf("two programs of one interpreter: %q", got)
	}
}
