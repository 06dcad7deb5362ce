package soak

import (
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/lab/built"
)

const (
	smallMemory = 64 << 20
	// stormBuckets is a full port range of the default size, to many destinations.
	stormBuckets = 28_000
)

// In a memory cgroup of 64 MiB every command starts, counts a storm right, and is not killed.
func TestSmallMemory(t *testing.T) {
	needHost(t)
	t.Run("report", func(t *testing.T) {
		group := limitMemory(t, smallMemory)
		p := start(t, group, "report", "-v", "--json", "-d", "1h")
		pid := storm(t)
		p.End(t)
		checkStorm(t, parseReport(t, p.Stdout.String()), pid)
		group.check(t)
	})
	t.Run("record", func(t *testing.T) {
		group := limitMemory(t, smallMemory)
		file := filepath.Join(t.TempDir(), "storm.ptrace")
		p := start(t, group, "record", "-v", "-o", file)
		pid := storm(t)
		p.End(t)
		line := group.within([]string{binary, "report", "--json", file}) // a recording is read in it, too
		text, err := exec.Command(line[0], line[1:]...).Output()
		noError(t, err)
		checkStorm(t, parseReport(t, string(text)), pid)
		group.check(t)
	})
	t.Run("screen", func(t *testing.T) {
		group := limitMemory(t, smallMemory)
		term := showScreen(t, group)
		storm(t)
		noError(t, term.Press("2")) // the processes
		_, err := term.AwaitText(built.Bound, "soak-storm")
		noError(t, err, term.Press("c"))
		_, err = term.AwaitText(built.Bound, "own cost")
		noError(t, err, term.Press("q"), term.Wait(built.Bound))
		group.check(t)
	})
}

// storm leaves buckets in TIME_WAIT, and returns the process that made the connections.
func storm(t *testing.T) (pid int) {
	t.Helper()
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
	return p.PID()
}

// checkStorm compares the row of a process with what it did. The kernel may have skipped runs of
// programs, which it counts. Each connection has two ends.
func checkStorm(t *testing.T, r *report, pid int) {
	t.Helper()
	for _, p := range r.Processes {
		if p.PID != pid {
			continue
		}
		if opens, closes := p.Opens, p.Closes; opens > stormBuckets || opens+r.Health.Missed < stormBuckets ||
			closes > 2*stormBuckets || closes+r.Health.Missed < 2*stormBuckets {
			t.Errorf("%d opens and %d closes of %d connections, %d runs skipped", opens, closes, stormBuckets, r.Health.Missed)
		}
		if r.Health.Lost > r.Health.Missed { // a close that the kernel skipped is noticed later
			t.Errorf("%d events lost, %d runs skipped", r.Health.Lost, r.Health.Missed)
		}
		return
	}
	t.Errorf("no row of process %d among %d", pid, len(r.Processes))
}
