package live

import (
	"errors"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/linux"
)

// There is one line for the user, when the last of the processes has ended.
func TestTargetsEnded(t *testing.T) {
	t.Parallel()
	alive := map[event.ProcID]bool{nginx: true, worker: true}
	var asked []event.ProcID
	targets := newTargets([]event.ProcID{nginx, worker})
	targets.isAlive = func(id event.ProcID) bool {
		asked = append(asked, id)
		return alive[id]
	}
	for i, step := range []struct {
		ends  event.ProcID
		ended bool
		asked []event.ProcID
	}{
		{event.ProcID{}, false, []event.ProcID{nginx, worker}},
		{nginx, false, []event.ProcID{nginx, worker}},
		{event.ProcID{}, false, []event.ProcID{worker}}, // a pid can be used again: no process ends twice
		{worker, true, []event.ProcID{worker}},
		{event.ProcID{}, false, nil},
		{event.ProcID{}, false, nil},
	} {
		asked = nil
		delete(alive, step.ends)
		if text := targets.ended(); (text != "") != step.ended || !slices.Equal(asked, step.asked) {
			t.Errorf("step %d: asked about %v, got %q", i, asked, text)
		}
	}
	if text := newTargets(nil).ended(); text != "" {
		t.Errorf("without --pid: %q", text)
	}
}

func TestIsAlive(t *testing.T) {
	t.Parallel()
	me := self(t).ID
	if !isAlive(me) || isAlive(event.ProcID{PID: me.PID, Start: me.Start + 1}) || isAlive(event.ProcID{}) {
		t.Error("a process is the one with its pid and its start")
	}
	ids := []event.ProcID{me}
	targets := newTargets(ids)
	ids[0] = event.ProcID{}
	if text := targets.ended(); text != "" {
		t.Errorf("this process lives, got %q", text)
	}
}

func TestTarget(t *testing.T) {
	t.Parallel()
	me := self(t)
	if got, err := Target(me.ID.PID); got != me.ID || err != nil {
		t.Errorf("got %v, error %v", got, err)
	}
	if got, err := Target(1 << 30); err == nil || got.Known() || !strings.Contains(err.Error(), "no such process") {
		t.Errorf("got %v, error %v", got, err)
	}
	started, ended := make(chan uint32), make(chan bool)
	linux.GoThread(func() {
		started <- uint32(unix.Gettid())
		<-ended
	})
	thread := <-started
	defer close(ended)
	process := strconv.Itoa(os.Getpid())
	if got, err := Target(thread); err == nil || got.Known() || !strings.HasSuffix(err.Error(), "use --pid "+process) {
		t.Errorf("got %v, error %v", got, err)
	}
}

// Existing children are selected, each once.
func TestSelectDescendants(t *testing.T) {
	t.Parallel()
	child := exec.Command("cat")
	input, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		input.Close()
		_ = child.Wait()
	}()
	want, err := Target(uint32(child.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	me := self(t).ID
	selected := map[event.ProcID]int{}
	err = selectDescendants([]event.ProcID{me, me}, func(id event.ProcID) error {
		selected[id]++
		return nil
	})
	if err != nil || selected[want] != 1 || selected[me] != 0 {
		t.Errorf("selected %v, error %v", selected, err)
	}
	full := errors.New("the map is full")
	if err := selectDescendants([]event.ProcID{me}, func(event.ProcID) error { return full }); !errors.Is(err, full) {
		t.Errorf("error %v", err)
	}
}
