package live

import (
	"os"
	"testing"

	"github.com/porttrace/porttrace/internal/event"
)

// What the kernel side has reported stays, what it could not is read while the process runs.
func TestDescriber(t *testing.T) {
	t.Parallel()
	me := self(t)
	if me.CommandLine == "" || len(me.Ancestors) == 0 || me.Ancestors[0].ID.PID != uint32(os.Getppid()) {
		t.Errorf("read %+v", me)
	}
	gone := event.ProcID{PID: me.ID.PID, Start: me.ID.Start - 1}
	if p, ok := new(describer).read(gone); ok {
		t.Errorf("read %+v in place of one that has ended", p)
	}
	for _, c := range []struct {
		id         event.ProcID
		line, want string
		without    bool
	}{
		{me.ID, "", me.CommandLine, false},
		{me.ID, "curl x", "curl x", false},
		{me.ID, "java …", me.CommandLine, false},
		{me.ID, "curl x", "", true},
		{me.ID, "", "", true},
		{gone, "", "", false},
		{gone, "java …", "java …", false},
	} {
		p := event.Process{ID: c.id, PPID: me.PPID, CommandLine: c.line}
		d := describer{noCommandLines: c.without}
		d.complete(&p)
		if p.CommandLine != c.want {
			t.Errorf("%+v: %q", c, p.CommandLine)
		}
		if len(p.Ancestors) != len(me.Ancestors) {
			t.Errorf("%+v: ancestors %+v", c, p.Ancestors)
		}
	}
}

func BenchmarkComplete(b *testing.B) {
	var d describer
	p := event.Process{ID: event.ProcID{PID: uint32(os.Getpid())}, PPID: uint32(os.Getppid()), CommandLine: "curl x"}
	d.complete(&p)
	for b.Loop() {
		d.complete(&p)
	}
}
