package procinfo

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

func TestAncestors(t *testing.T) {
	t.Parallel()
	script := filepath.Join(t.TempDir(), "loop.sh")
	if err := os.WriteFile(script, []byte("echo; cat; :\n"), 0o600); err != nil { // : keeps the shell
		t.Fatal(err)
	}
	shell := startChild(t, "sh", script)
	st, err := readStat(shell)
	if err != nil {
		t.Fatal(err)
	}
	var a Ancestry
	got := a.Of(shell, math.MaxUint64)
	if len(got) < 2 || len(got) > event.MaxAncestors {
		t.Fatalf("%+v", got)
	}
	if want := (event.Ancestor{ID: event.ProcID{PID: shell, Start: st.start}, Comm: st.comm, Script: script}); got[0] != want {
		t.Errorf("the parent is %+v, want %+v", got[0], want)
	}
	if got[1].ID.PID != uint32(os.Getpid()) {
		t.Errorf("its parent is %+v, want this process", got[1])
	}
	if again := a.Of(shell, math.MaxUint64); &again[0] != &got[0] {
		t.Error("children of one process do not share its ancestors")
	}
	if later := a.Of(shell, st.start-1); later != nil {
		t.Errorf("a process that started later is an ancestor: %+v", later)
	}
	if none := a.Of(0, math.MaxUint64); none != nil {
		t.Errorf("without a parent: %+v", none)
	}
	if gone := a.Of(1<<22+1, math.MaxUint64); gone != nil {
		t.Errorf("of a parent that has ended: %+v", gone)
	}
}

// A parent that became another program is read again.
func TestAncestorsAfterExec(t *testing.T) {
	t.Parallel()
	pid := uint32(os.Getpid())
	st, err := readStat(pid)
	if err != nil {
		t.Fatal(err)
	}
	before := st
	before.comm = "before"
	a := Ancestry{known: map[uint32]lineage{pid: {list: []event.Ancestor{{Comm: "before"}}, stat: before}}}
	if got := a.Of(pid, math.MaxUint64); got[0].Comm != st.comm {
		t.Errorf("%+v, want %s", got[0], st.comm)
	}
}

// The last program of a loop is reported when the loop has ended; not so a program that starts
// later than that, when another one can have had its pid.
func TestAncestorsThatHaveEnded(t *testing.T) {
	t.Parallel()
	const pid = 1<<22 + 1 // beyond PID_MAX_LIMIT
	loop := []event.Ancestor{{Comm: "loop"}}
	for age, want := range map[time.Duration]int{200 * time.Millisecond: 1, 2 * endedAge: 0} {
		at := time.Now().Add(-age)
		a := Ancestry{known: map[uint32]lineage{pid: {list: loop, read: at, checked: at}}}
		if got := a.Of(pid, math.MaxUint64); len(got) != want {
			t.Errorf("%v after it was seen: %+v", age, got)
		}
	}
}

func TestAncestorsBounded(t *testing.T) {
	t.Parallel()
	a := Ancestry{known: map[uint32]lineage{}}
	for pid := range uint32(maxKnownAncestors) {
		a.known[1<<24+pid] = lineage{}
	}
	a.Of(uint32(os.Getpid()), math.MaxUint64)
	if len(a.known) != 1 {
		t.Errorf("%d are known", len(a.known))
	}
}

func TestReadCommand(t *testing.T) {
	t.Parallel()
	child := startChild(t, "sh", "-c", "echo; read x; :", "--password=hunter2")
	p, err := Read(child)
	if err != nil {
		t.Fatal(err)
	}
	ReadCommand(&p)
	if want := "sh -c echo; read x; : --password=***"; p.CommandLine != want || p.Script != "" {
		t.Errorf("%q, script %q; want %q", p.CommandLine, p.Script, want)
	}
	other := event.Process{ID: event.ProcID{PID: child, Start: p.ID.Start - 1}}
	if ReadCommand(&other); other.CommandLine != "" {
		t.Errorf("an earlier process with its pid has %q", other.CommandLine)
	}
	if long := startChild(t, "cat", slices.Repeat([]string{"-"}, maxArguments)...); long != 0 {
		raw, whole := readArguments(long)
		if len(raw) != maxArguments || whole {
			t.Errorf("%d bytes, whole: %v", len(raw), whole)
		}
	}
}
