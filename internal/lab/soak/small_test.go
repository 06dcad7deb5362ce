package soak

import (
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/lab/built"
	"github.com/porttrace/porttrace/internal/lab/hostagent"
)

const (
	smallMemory = 64 << 20
	// stormBuckets is a full port range of the default size, to many destinations.
	stormBuckets = 28_000
)

// In a memory cgroup of 64 MiB every command starts, counts a storm right, and is not killed.
func TestSmallMemory(t *testing.T) {
	inSmallMemory(t, smallLoad{run: func(t *testing.T) func(*testing.T, *report) { return storm(t).check }, name: "soak-storm"})
}

// smallLoad is what the commands see in a small memory cgroup.
type smallLoad struct {
	// run makes the load, and returns what compares a report with it.
	run  func(t *testing.T) func(*testing.T, *report)
	name string // of its process
}

// inSmallMemory makes the load once for each command, in a cgroup of its own.
func inSmallMemory(t *testing.T, load smallLoad) {
	t.Helper()
	needHost(t)
	t.Run("report", func(t *testing.T) {
		group := limitMemory(t, smallMemory)
		p := start(t, group, "report", "-v", "--json", "-d", "1h")
		check := load.run(t)
		p.End(t)
		check(t, parseReport(t, p.Stdout.String()))
		group.check(t)
	})
	t.Run("record", func(t *testing.T) {
		group := limitMemory(t, smallMemory)
		file := filepath.Join(t.TempDir(), "load.ptrace")
		p := start(t, group, "record", "-v", "-o", file)
		check := load.run(t)
		p.End(t)
		line := group.within([]string{binary, "report", "--json", file}) // a recording is read in it, too
		text, err := exec.Command(line[0], line[1:]...).Output()
		noError(t, err)
		check(t, parseReport(t, string(text)))
		group.check(t)
	})
	t.Run("screen", func(t *testing.T) {
		group := limitMemory(t, smallMemory)
		term := showScreen(t, group)
		load.run(t)
		noError(t, term.Press("2")) // the processes
		_, err := term.AwaitText(built.Bound, load.name)
		noError(t, err, term.Press("c"))
		_, err = term.AwaitText(built.Bound, "own cost")
		noError(t, err, term.Press("q"), term.Wait(built.Bound))
		group.check(t)
	})
}

// pastStorm is a storm that has ended, and left buckets in TIME_WAIT.
type pastStorm struct {
	pid    int    // of the process that made the connections
	unseen uint64 // state changes that no program sees for the agent of the host, at most
}

func storm(t *testing.T) pastStorm {
	t.Helper()
	changes, err := hostagent.Count()
	noError(t, err)
	defer changes.Close()
	n, err := lab.NewStormNetns()
	noError(t, err)
	t.Cleanup(func() { noError(t, n.Close()) })
	p, err := n.Spawn("soak-storm", &lab.Storm{Count: stormBuckets})
	noError(t, err)
	t.Cleanup(p.Stop)
	var result lab.StormResult
	noError(t, p.Decode(&result), p.Release())
	if result.Connections != stormBuckets {
		t.Fatalf("%d connections, not %d", result.Connections, stormBuckets)
	}
	time.Sleep(settle)
	unseen, err := changes.Count()
	noError(t, err)
	return pastStorm{p.PID(), unseen}
}

// check compares the row of the process with what it did. Runs of programs may have been skipped. Each
// connection has two ends.
func (s pastStorm) check(t *testing.T, r *report) {
	t.Helper()
	skipped := r.Health.Missed + s.unseen
	for _, p := range r.Processes {
		if p.PID != s.pid {
			continue
		}
		if opens, closes := p.Opens, p.Closes; opens > stormBuckets || opens+skipped < stormBuckets ||
			closes > 2*stormBuckets || closes+skipped < 2*stormBuckets {
			t.Errorf("%d opens and %d closes of %d connections, %d runs skipped and %d not begun",
				opens, closes, stormBuckets, r.Health.Missed, s.unseen)
		}
		if r.Health.Lost > skipped { // a close that the kernel skipped is noticed later
			t.Errorf("%d events lost, %d runs skipped and %d not begun", r.Health.Lost, r.Health.Missed, s.unseen)
		}
		return
	}
	t.Errorf("no row of process %d among %d", s.pid, len(r.Processes))
}
