package recorded

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/filter"
	"github.com/porttrace/porttrace/internal/pipeline"
	"github.com/porttrace/porttrace/internal/record"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// made are the snapshots of this test binary so far. They are the same for all tests, so a test
// must not change them.
var made struct {
	mu        sync.Mutex
	snapshots map[string]*snapshot.Snapshot
}

// At returns what the screen shows at a moment of an incident. The arguments are those of the
// filter, such as "--comm=nginx". No test may change the snapshot: others get the same.
func At(t testing.TB, name, moment string, flags ...string) *snapshot.Snapshot {
	t.Helper()
	made.mu.Lock()
	defer made.mu.Unlock()
	key := name + "\x00" + moment + "\x00" + strings.Join(flags, "\x00")
	if s := made.snapshots[key]; s != nil {
		return s
	}
	s, err := play(name, moment, flags)
	if err != nil {
		t.Fatalf("%s at %s: %v", name, moment, err)
	}
	if made.snapshots == nil {
		made.snapshots = map[string]*snapshot.Snapshot{}
	}
	made.snapshots[key] = s
	return s
}

// Series returns what the screen shows at moments of an incident that follow each other: from one
// to another since its beginning, every so often.
func Series(t testing.TB, name string, from, to, every time.Duration) []*snapshot.Snapshot {
	t.Helper()
	reader, err := Open(name)
	if err != nil {
		t.Fatal(err)
	}
	begin, _ := reader.Span()
	state := pipeline.NewState(nil)
	ahead := &lookahead{reader: reader}
	var series []*snapshot.Snapshot
	for at := from; at <= to; at += every {
		s, err := playTo(ahead, state, begin.Add(at))
		if err != nil {
			t.Fatalf("%s at %s: %v", name, at, err)
		}
		series = append(series, s)
	}
	return series
}

func play(name, moment string, flags []string) (*snapshot.Snapshot, error) {
	_, m, err := Find(name, moment)
	if err != nil {
		return nil, err
	}
	reader, err := Open(name)
	if err != nil {
		return nil, err
	}
	f, err := filterOf(flags)
	if err != nil {
		return nil, err
	}
	begin, _ := reader.Span()
	return playTo(&lookahead{reader: reader}, pipeline.NewState(f), begin.Add(m.At))
}

// lookahead is a recording of which a batch was read that is not due yet.
type lookahead struct {
	reader *record.Reader
	next   event.Batch
	read   bool
	end    error
}

// playTo adds the batches until a moment.
func playTo(from *lookahead, state *pipeline.State, at event.Time) (*snapshot.Snapshot, error) {
	for {
		if !from.read && from.end == nil {
			from.next, from.end = from.reader.Read(context.Background())
			from.read = true
		}
		if from.end != nil && !errors.Is(from.end, io.EOF) {
			return nil, from.end
		}
		if !from.read || from.next.Now > at {
			return state.Snapshot(at), nil
		}
		if err := state.Add(from.next, nil); err != nil {
			return nil, err
		}
		from.read = false
	}
}

// filterOf returns the filter of flags such as "--comm=nginx"; nil for none.
func filterOf(flags []string) (*filter.Filter, error) {
	if len(flags) == 0 {
		return nil, nil
	}
	var request filter.Request
	for _, flag := range flags {
		name, value, _ := strings.Cut(strings.TrimPrefix(flag, "--"), "=")
		i := slices.IndexFunc(filter.Flags, func(f filter.Flag) bool { return f.Name == name })
		if i < 0 {
			return nil, errors.New("no filter " + flag)
		}
		values := filter.Flags[i].Values(&request)
		*values = append(*values, value)
	}
	return filter.Parse(request)
}
