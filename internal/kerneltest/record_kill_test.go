package kerneltest

import (
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/pipeline"
	"github.com/porttrace/porttrace/internal/record"
)

// recorderFile makes TestRecorder a recorder.
var recorderFile = flag.String("recorder", "", "record to this file until standard input ends")

// TestRecorder is what TestKilledRecording starts and kills: porttrace record, in this
// binary, because a virtual machine has no other.
func TestRecorder(t *testing.T) {
	if *recorderFile == "" {
		return
	}
	source := attach(t)
	file, err := os.OpenFile(*recorderFile, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	ctx, cancel := context.WithTimeout(t.Context(), longest)
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // ends with who started it
		cancel()
	}()
	if _, _, err := recordTo(ctx, file, source, pipeline.Options{}); err != nil {
		t.Fatal(err)
	}
}

// startRecorder returns when the first frame is in the file. kill kills it, and returns
// when it has ended.
func startRecorder(t *testing.T, file string) (kill func()) {
	t.Helper()
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestRecorder$", "-recorder="+file)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill = func() {
		_ = cmd.Process.Kill() // fails only where it has ended already
		_ = cmd.Wait()         // was killed
	}
	t.Cleanup(kill)
	eventually(t, "the first frame", func() bool {
		info, err := os.Stat(file)
		return err == nil && info.Size() > 0
	})
	return kill
}

// After kill -9 in the midst of a storm the last second is missing at most, by the
// kernel's own count, and what is there is whole up to the end that the file tells.
func TestKilledRecording(t *testing.T) {
	needKernel(t)
	rounds := 20
	if testing.Short() {
		rounds = 5
	}
	// A storm fills a frame before its half second is over, a breeze does not.
	loads := []lab.Job{&lab.Client{To: []netip.AddrPort{loopback}, Rate: 1000, Talk: true}, &lab.Storm{}}
	if raced() {
		loads = loads[:1] // a recorder ten times as slow does not keep up with a storm
	}
	random := rand.New(rand.NewPCG(8, 0))
	for round := range rounds {
		after := 300*time.Millisecond + time.Duration(random.Int64N(int64(2200*time.Millisecond)))
		name := fmt.Sprintf("%d after %s", round, after.Round(time.Millisecond))
		t.Run(name, func(t *testing.T) { killAfter(t, after, loads[round%len(loads)]) })
	}
}

// raced reports whether the race detector is built in.
func raced() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

var loopback = netip.MustParseAddrPort("127.0.0.1:80")

func killAfter(t *testing.T, after time.Duration, load lab.Job) {
	file := filepath.Join(t.TempDir(), "killed.ptrace")
	kill := startRecorder(t, file)
	n := newStormNetns(t)
	serve(t, n, lab.Echo, loopback)
	opened := follow(t, n)
	spawn(t, n, "load", load)
	time.Sleep(after)
	killed := monotonic()
	kill()
	ended := monotonic()
	opened.stop(t, n)

	got := readKilled(t, file, n)
	check := func(what string, least, most uint64) {
		t.Helper()
		if got.opens+got.missed < least || got.opens > most {
			t.Errorf("%d opens; %s the kernel had counted %d to %d", got.opens, what, least, most)
		}
	}
	check("a second before the kill", opened.atLeast(killed.Add(-time.Second-got.late)), opened.atMost(ended))
	check("at the end of the recording", opened.atLeast(got.end.Add(-drainTime-got.late)), opened.atMost(got.end))
	t.Logf("%d opens of %d, the last %s are missing", got.opens, opened.atMost(ended), killed.Sub(got.end))
}

// drainTime is how long a batch is made before it says how far it goes: of what happens
// meanwhile, the next one tells.
const drainTime = 50 * time.Millisecond

// killedRecording is what a file tells of a namespace.
type killedRecording struct {
	opens  uint64
	missed uint64        // runs that the kernel skipped
	late   time.Duration // by how much some of the opens may come after those around them
	end    event.Time
}

func readKilled(t *testing.T, name string, n *lab.Netns) (got killedRecording) {
	t.Helper()
	r, file, err := record.OpenFile(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var sum tally
	tee := func(e *event.Event, _ *event.World) error {
		if e.Netns == n.Inode() {
			sum.add(e)
		}
		return nil
	}
	snap, err := pipeline.Run(t.Context(), r, pipeline.Options{Tee: tee})
	if err != nil {
		t.Fatal(err)
	}
	_, end := r.Span()
	checkCutOnly(t, r, end)
	got = killedRecording{opens: sum.opens, missed: snap.Health.Missed, end: end}
	if snap.Health.LostDetails > 0 {
		got.late = time.Second // what found no room in the kernel's buffers is told once a second
	}
	return got
}

// checkCutOnly checks that nothing is missing but what came after that moment.
func checkCutOnly(t *testing.T, r *record.Reader, at event.Time) {
	t.Helper()
	gaps := r.Gaps()
	if len(gaps) != 1 || gaps[0] != (event.Gap{Begin: at, Truncated: true}) {
		t.Errorf("it ends at %d, and this is missing: %+v", at, gaps)
	}
}
