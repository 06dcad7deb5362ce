package record

import (
	"errors"
	"io"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// place is a Position and what was read from there to the next.
type place struct {
	position uint64
	events   []event.Event
	now      event.Time
}

func places(t *testing.T, r *Reader) (list []place) {
	t.Helper()
	for {
		at := r.Position()
		b, err := r.Read(t.Context())
		list = append(list, place{at, slices.Clone(b.Events), b.Now})
		if errors.Is(err, io.EOF) {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestGoTo: from each position on, a reader reads what another one has read, of a file with long
// batches and a damaged one, too.
func TestGoTo(t *testing.T) {
	t.Parallel()
	long := randomBatches(7, 120, 40)
	for i := range 20_000 {
		at := long[60].now - event.Time(20_000-i)
		long[60].events = append(long[60].events, event.Event{Time: at, Kind: event.Open, Proto: event.TCP, Count: 1})
	}
	whole := write(t, long)
	broken := slices.Clone(whole)
	frames := reader(t, whole).index.frames
	for _, i := range []int{2, len(frames) / 2} {
		broken[frames[i].at+headerSize+1] ^= 1
	}
	for name, file := range map[string][]byte{"whole": whole, "broken": broken, "truncated": whole[:len(whole)-100]} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := reader(t, file)
			list := places(t, r)
			fork, err := r.Fork()
			if err != nil {
				t.Fatal(err)
			}
			random := rand.New(rand.NewPCG(1, 1))
			for range 30 {
				i := random.IntN(len(list))
				if err := fork.GoTo(t.Context(), list[i].position); err != nil {
					t.Fatal(err)
				}
				if got := places(t, fork); !reflect.DeepEqual(got, list[i:]) {
					t.Fatalf("from place %d on %d others are read, want %d", i, len(got), len(list)-i)
				}
			}
			if gap := r.index.tail; gap != nil {
				gap.Begin = gap.Begin.Add(-time.Hour)
				if reflect.DeepEqual(fork.Gaps(), r.Gaps()) {
					t.Error("the gaps are those of the other reader")
				}
			}
		})
	}
	if err := reader(t, whole).GoTo(t.Context(), 1<<60); err == nil {
		t.Error("it goes beyond the file")
	}
}
