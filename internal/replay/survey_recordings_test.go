package replay_test

import (
	"math"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/pipeline"
	"github.com/porttrace/porttrace/internal/playback"
	"github.com/porttrace/porttrace/internal/record"
	"github.com/porttrace/porttrace/internal/replay"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// TestTimelineIsAsSnapshots: of real recordings, the fill at the end of a stretch is what a
// snapshot of that moment has, or more if the space was fuller on the way, and all failures of the
// last snapshot are in the stretches.
func TestTimelineIsAsSnapshots(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../record/testdata/versions/*.ptrace")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			t.Parallel()
			timeline := timelineOf(t, name)
			same, higher := 0, 0
			hasRanges := strings.Contains(name, "spaces") // the others are of a version before port spaces
			for i := 40; i < len(timeline.Stretches); i += 97 {
				stretch := &timeline.Stretches[i]
				snap := at(t, name, pipeline.Options{To: stretch.End})
				worst := 0.0
				for k := range snap.PortSpaces {
					space := &snap.PortSpaces[k]
					worst = math.Max(worst, space.TakenShare())
					curve := timeline.FillOf(space.ID())
					switch {
					case curve == nil || space.Capacity == 0:
					case curve[i].Capacity == space.Capacity && curve[i].InUse == space.InUse() && curve[i].Reusable == space.Reusable:
						same++
					case curve[i].TakenShare() >= space.TakenShare():
						higher++
					default:
						t.Errorf("stretch %d: %v has %d of %d in use, not %+v", i, space.ID(), space.InUse(), space.Capacity, curve[i])
					}
				}
				if stretch.Fill < worst || stretch.FillKnown != hasRanges {
					t.Errorf("stretch %d: the fullest space has %v, not %v", i, worst, stretch.Fill)
				}
			}
			if (same > 0) != hasRanges || higher > same/4 {
				t.Errorf("%d levels are as in snapshots, %d are higher", same, higher)
			}
			var failures uint64
			for i := range timeline.Stretches {
				failures += timeline.Stretches[i].Failures
			}
			if want := countedFailures(at(t, name, pipeline.Options{})); failures != want || want == 0 {
				t.Errorf("%d failures, want %d", failures, want)
			}
		})
	}
}

// countedFailures returns the failures that mean something.
func countedFailures(s *snapshot.Snapshot) (n uint64) {
	n = s.Totals.Failed()
	for i := range s.Failures {
		if s.Failures[i].Reason.String() == "given_up" {
			n -= s.Failures[i].Count - s.Failures[i].Resent
		}
	}
	return n
}

func open(t *testing.T, name string) *record.Reader {
	t.Helper()
	r, file, err := record.OpenFile(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return r
}

func at(t *testing.T, name string, opts pipeline.Options) *snapshot.Snapshot {
	t.Helper()
	s, err := pipeline.Aggregate(t.Context(), open(t, name), opts)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func timelineOf(t *testing.T, name string) *playback.Timeline {
	t.Helper()
	snapshots := make(chan *snapshot.Snapshot, 1)
	p := replay.NewPlayer(open(t, name), replay.Options{Snapshots: snapshots, Every: time.Second, Survey: open(t, name)})
	p.TogglePause()
	go p.Run(t.Context())
	for !p.Timeline().Judged {
		<-snapshots
	}
	return p.Timeline()
}
