package kerneltest

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/live"
	"github.com/porttrace/porttrace/internal/pipeline"
	"github.com/porttrace/porttrace/internal/replay"
	"github.com/porttrace/porttrace/internal/report"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// A recording shows the same as the live stream did: for a moment, a window and as a whole.
func TestReplayEqualsLive(t *testing.T) {
	var file memory
	run := recordMixedLoad(t, &file)
	if n := len(run.shown); n < leastShown {
		t.Fatalf("only %d snapshots were shown", n)
	}
	if last := run.last; last.Totals.Opens == 0 || last.Totals.ConnectFailures == 0 || len(last.Processes) < 4 {
		t.Fatalf("too little happened: %+v", last.Totals)
	}
	plotted := func(s snapshot.PortSpace) bool { return s.Map != nil && len(s.Fill) >= 2 }
	if last := run.last; len(last.Worst) < 3 || !slices.ContainsFunc(last.PortSpaces, plotted) {
		t.Fatalf("%d points of the host, no map of %d port spaces", len(last.Worst), len(last.PortSpaces))
	}
	t.Run("moments", func(t *testing.T) { run.checkMoments(t, &file) })
	t.Run("the whole", func(t *testing.T) { run.checkWindow(t, &file, 0, 0) })
	for _, window := range [][2]int{{0, 50}, {20, 50}, {40, 90}, {50, 100}} {
		t.Run(fmt.Sprint("window ", window), func(t *testing.T) {
			run.checkWindow(t, &file, run.at(window[0]), run.at(window[1]))
		})
	}
}

// leastShown is how many moments are compared at least.
const leastShown = 10

// liveRun is what was shown while it was recorded.
type liveRun struct {
	source *tape
	shown  []*snapshot.Snapshot
	last   *snapshot.Snapshot
}

// at returns when the batch ended that is at the given percentage of the run.
func (l *liveRun) at(percent int) event.Time {
	return l.source.batches[percent*(len(l.source.batches)-1)/100].Now
}

func recordMixedLoad(t *testing.T, file *memory) *liveRun {
	t.Helper()
	client, server := pair(t)
	narrow(t, client, 8000) // so that the churn fills a noticeable part of it
	serve(t, server, lab.Echo, serverV4)
	stormNet := newStormNetns(t)
	run := &liveRun{source: &tape{Source: attach(t, live.Options{})}}
	ctx, cancel := context.WithCancel(t.Context())
	shown := make(chan *snapshot.Snapshot, 1)
	var load, screen sync.WaitGroup
	var seen atomic.Int32
	load.Go(func() {
		defer cancel()
		makeMixedLoad(t, client, stormNet, func() bool { return seen.Load() < leastShown })
	})
	screen.Go(func() {
		for s := range shown {
			run.shown = append(run.shown, s)
			seen.Add(1)
		}
	})
	var err error
	free := func(call func()) time.Duration { // many moments are wanted, whatever they cost
		call()
		return 0
	}
	run.last, _, err = recordTo(ctx, file, run.source, pipeline.Options{Snapshots: shown, Every: 50 * time.Millisecond, Cost: free})
	load.Wait()
	close(shown)
	screen.Wait()
	noError(t, err)
	return run
}

// makeMixedLoad makes churn, a leak, failures of both kinds, and a storm that makes long batches: with
// the race detector one takes seconds, in which nothing is shown. So there is churn as long as more
// must be shown.
func makeMixedLoad(t *testing.T, client, stormNet *lab.Netns, more func() bool) {
	const length = 3 * time.Second
	echo, closed := []netip.AddrPort{serverV4}, []netip.AddrPort{at(serverV4, 81)}
	foreign := lab.Socket{Bind: netip.AddrPortFrom(unusedV4.Addr(), 0)}
	var group sync.WaitGroup
	start := func(n *lab.Netns, name string, job lab.Job) {
		group.Go(func() {
			p, err := n.Spawn(name, job)
			if err != nil {
				t.Error(err)
				return
			}
			<-p.Done()
			p.Stop()
		})
	}
	start(client, "churn", &lab.Client{To: echo, Rate: 800, Talk: true, For: length})
	start(client, "leak", &lab.Client{To: echo, Rate: 50, Hold: true, For: length})
	start(client, "refused", &lab.Client{To: closed, Rate: 100, For: length})
	start(client, "binder", &lab.Binder{Socket: foreign, Count: 30, For: length})
	start(stormNet, "storm", &lab.Storm{For: length / 2, Count: 20_000}) // more than the race detector keeps up with
	group.Wait()
	for began := time.Now(); more() && time.Since(began) < jobLimit; {
		start(client, "more churn", &lab.Client{To: echo, Rate: 400, Count: 200, Talk: true})
		group.Wait()
	}
}

// checkMoments goes to every moment that was shown, as replay does.
func (l *liveRun) checkMoments(t *testing.T, file *memory) {
	shown := make(chan *snapshot.Snapshot, 1)
	player := replay.NewPlayer(file.reader(t), replay.Options{Snapshots: shown, Every: jobLimit}) // nothing on the way
	player.TogglePause()
	ctx, cancel := context.WithTimeout(t.Context(), jobLimit)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- player.Run(ctx) }()
	for _, want := range l.shown {
		player.Seek(want.At)
		got := awaitSnapshot(ctx, shown, func(s *snapshot.Snapshot) bool { return s.At == want.At })
		if got == nil {
			t.Fatalf("it never got to %d: %+v", want.At, player.Playback())
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("at %d of %d\n got %+v\nlive %+v", want.At, l.last.At, got, want)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// checkWindow compares with a run over the very batches that came live.
func (l *liveRun) checkWindow(t *testing.T, file *memory, from, to event.Time) {
	opts := pipeline.Options{From: from, To: to}
	got, err := aggregate(t.Context(), file.reader(t), opts)
	noError(t, err)
	want, err := aggregate(t.Context(), l.source.replay(), opts)
	noError(t, err)
	if from == 0 && to == 0 {
		want = l.last
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("from %d to %d\n got %+v\nlive %+v", from, to, got, want)
	}
	if !bytes.Equal(reports(t, got), reports(t, want)) {
		t.Error("the reports differ")
	}
}

// reports returns the report in all formats.
func reports(t *testing.T, s *snapshot.Snapshot) []byte {
	t.Helper()
	var all bytes.Buffer
	noError(t, report.Text(&all, s, nil, report.TextOptions{By: snapshot.ByProcess, Verbose: true}))
	noError(t, report.JSON(&all, s, nil, snapshot.ByProcess, nil))
	return all.Bytes()
}
