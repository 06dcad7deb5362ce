package kerneltest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/live"
	"github.com/porttrace/porttrace/internal/pipeline"
	"github.com/porttrace/porttrace/internal/record"
)

// recorder is the helper that TestKilledRecording kills: porttrace record.
type recorder struct{ File string }

func (r *recorder) run(ctx context.Context) error {
	source, err := openLive(live.Options{})
	if err != nil {
		return err
	}
	defer source.Close()
	file, err := os.OpenFile(r.File, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	_, _, err = recordTo(ctx, file, source, pipeline.Options{})
	return errors.Join(err, file.Close())
}

// startRecorder returns when the first frame is in the file.
func startRecorder(t *testing.T, file string) *helperProc {
	t.Helper()
	p, err := startHelper(t, "recorder", &recorder{file}, nil)
	noError(t, err)
	t.Cleanup(p.kill)
	eventually(t, "the first frame", func() bool {
		info, err := os.Stat(file)
		return err == nil && info.Size() > 0
	})
	return p
}

// After kill -9 during a storm at most the last second is missing, by the kernel's own
// count, and the recording is complete up to the end that the file states.
func TestKilledRecording(t *testing.T) {
	needKernel(t)
	// A storm fills a frame before its half second is over, a thousand a second do not.
	loads := []lab.Job{&lab.Client{To: []netip.AddrPort{loopback}, Rate: 1000, Talk: true}, &lab.Storm{}}
	if raced() {
		loads = loads[:1] // a recorder ten times as slow does not keep up with a storm
	}
	random := rand.New(rand.NewPCG(8, 0))
	for round := range fewer(12, 5) {
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
	helper := startRecorder(t, file)
	n := newStormNetns(t)
	serve(t, n, lab.Echo, loopback)
	opened := sampleOpens(t, n)
	spawn(t, n, "load", load)
	time.Sleep(after) // a random moment is what is tested
	killed := monotonic()
	helper.kill()
	ended := monotonic()
	opened.stop(t, n)

	got, end := readKilled(t, file, n)
	check := func(what string, least, most uint64) {
		t.Helper()
		if got.opens+got.health.Missed < least || got.opens > most {
			t.Errorf("%d opens; %s the kernel had counted %d to %d", got.opens, what, least, most)
		}
	}
	late := time.Duration(0) // by how much an open may come after those around it
	if got.health.LostDetails > 0 {
		late = time.Second // what found no room in the kernel's buffers is reported once a second
	}
	check("a second before the kill", opened.atLeast(killed.Add(-time.Second-late)), opened.atMost(ended))
	check("at the end of the recording", opened.atLeast(end.Add(-drainTime-late)), opened.atMost(end))
	t.Logf("%d opens of %d, the last %s are missing", got.opens, opened.atMost(ended), killed.Sub(end))
}

// drainTime is how long reading a batch takes until it states how far it goes: what happens
// meanwhile is in the next one.
const drainTime = 50 * time.Millisecond

// openCount is what a stream reports of a namespace.
type openCount struct {
	opens  uint64
	health event.Health // the last
}

func countOpens(events []event.Event, n *lab.Netns) (c openCount) {
	var sum tally
	for i := range events {
		e := &events[i]
		if e.Netns == n.Inode() {
			sum.add(e)
		}
		if h, ok := e.Fact.(*event.Health); ok {
			c.health = *h
		}
	}
	c.opens = sum.opens
	return c
}

// readKilled reads a recording that was cut, and returns its end, too.
func readKilled(t *testing.T, name string, n *lab.Netns) (openCount, event.Time) {
	t.Helper()
	r, file, err := record.OpenFile(name)
	noError(t, err)
	defer file.Close()
	got := countOpens(readAll(t, r), n)
	_, end := r.Span()
	checkCutOnly(t, r, end)
	return got, end
}

// checkCutOnly checks that only what came after that moment is missing.
func checkCutOnly(t *testing.T, r *record.Reader, at event.Time) {
	t.Helper()
	gaps := r.Gaps()
	if len(gaps) != 1 || gaps[0] != (event.Gap{Begin: at, Truncated: true}) {
		t.Errorf("it ends at %d, and this is missing: %+v", at, gaps)
	}
}
