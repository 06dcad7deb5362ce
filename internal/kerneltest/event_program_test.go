package kerneltest

import (
	"maps"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/lab/need"
	"github.com/porttrace/porttrace/internal/live"
	"github.com/porttrace/porttrace/internal/pipeline"
)

// Each program connects once; the first becomes the second then, with the same pid.
const (
	firstProgram = `import os, socket, sys
socket.create_connection(("127.0.0.1", int(sys.argv[1]))).close()
os.execv(sys.executable, [sys.executable, "-u", sys.argv[2], sys.argv[1]])
`
	secondProgram = `import socket, sys
socket.create_connection(("127.0.0.1", int(sys.argv[1]))).close()
`
	loop = `for i in 1 2 3; do python3 "$1/billing.py" "$2" "$1/second.py" --password=hunter2; done
`
)

// TestPrograms: scripts that live for some milliseconds have their names, their command lines
// without the secrets, and the shell script that has started them; after execve() those of the new
// program.
func TestPrograms(t *testing.T) {
	need.Programs(t, "python3", "sh")
	n := loopbackNet(t, 100, loopV4)
	dir := t.TempDir()
	for name, content := range map[string]string{"billing.py": firstProgram, "second.py": secondProgram, "loop.sh": loop} {
		noError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600))
	}
	for name, without := range map[string]bool{"with command lines": false, "without": true} {
		t.Run(name, func(t *testing.T) {
			var seen []*event.Process
			tr := newTrace(t, live.Options{NoCommandLines: without}, nil)
			tr.start(pipeline.Options{Tee: func(e *event.Event, _ *event.World) error {
				if p, ok := e.Fact.(*event.Process); ok && strings.HasPrefix(p.Script, dir) {
					seen = append(seen, p)
				}
				return nil
			}})
			noError(t, n.Do(func() error {
				return exec.Command("sh", filepath.Join(dir, "loop.sh"), dir, strconv.Itoa(int(loopV4.Port()))).Run()
			}))
			tr.stop()
			checkPrograms(t, seen, dir, without)
		})
	}
}

func checkPrograms(t *testing.T, seen []*event.Process, dir string, without bool) {
	t.Helper()
	byProgram := map[string]int{}
	pids := map[event.ProcID]bool{}
	for _, p := range seen {
		program := p.Program()
		byProgram[program]++
		pids[p.ID] = true
		parent := p.Parent()
		if parent.Program() != "loop.sh" || parent.ID.PID != p.PPID || parent.Script != filepath.Join(dir, "loop.sh") {
			t.Errorf("the parent of %s is %+v", program, parent)
		}
		if len(p.Ancestors) < 2 || p.Ancestors[1].ID.PID != uint32(os.Getpid()) {
			t.Errorf("%s descends from %+v, not from this process", program, p.Ancestors)
		}
		switch line := p.CommandLine; {
		case without && line != "":
			t.Errorf("%s has the command line %q", program, line)
		case !without && program == "billing.py" && !strings.HasSuffix(line, filepath.Join(dir, "second.py")+" --password=***"),
			!without && program == "second.py" && !strings.Contains(line, " -u "+filepath.Join(dir, "second.py")+" "):
			t.Errorf("%s has the command line %q", program, line)
		}
	}
	if byProgram["billing.py"] < 3 || byProgram["second.py"] < 3 || len(pids) != 3 {
		t.Errorf("reported %v of %d processes, want three of each, of the same three", byProgram, len(pids))
	}
}

// TestCommandLineOfEnded: the kernel side has the command line of a program that has ended when its
// events are read.
func TestCommandLineOfEnded(t *testing.T) {
	n := loopbackNet(t, 100, loopV4)
	tr := begin(t, live.Options{ReadInterval: 2 * time.Second}, n)
	r := run(t, n, "client", &lab.Client{To: []netip.AddrPort{loopV4}, Count: 1, Talk: true})
	_, err := os.Stat(filepath.Join("/proc", strconv.Itoa(r.PID)))
	tr.end(nil)
	if !os.IsNotExist(err) {
		t.Fatalf("process %d has not ended: %v", r.PID, err)
	}
	for id, p := range tr.procs {
		if id.PID == uint32(r.PID) && p.CommandLine != "client" {
			t.Errorf("its command line is %q, want client", p.CommandLine)
		}
	}
	if !slices.ContainsFunc(slices.Collect(maps.Keys(tr.procs)), func(id event.ProcID) bool { return id.PID == uint32(r.PID) }) {
		t.Errorf("process %d is not reported", r.PID)
	}
}
