package pipeline_test

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/pipeline"
	"github.com/porttrace/porttrace/internal/record"
)

// cutUp records a run in segments of some batches each, one after another.
func cutUp(t *testing.T, file []byte, batches int) (parts []record.Part) {
	t.Helper()
	var head pipeline.Head
	var buffer *bytes.Buffer
	var segment *record.Segment
	n := 0
	end := func() {
		if segment != nil {
			if err := segment.Close(); err != nil {
				t.Fatal(err)
			}
			parts = append(parts, record.Part{Name: fmt.Sprint(len(parts)), File: bytes.NewReader(buffer.Bytes()), Size: int64(buffer.Len())})
		}
	}
	err := pipeline.Run(t.Context(), open(t, file), pipeline.Options{
		Scans: true, Head: &head,
		Tee: func(e *event.Event, world *event.World) error {
			if segment == nil {
				return nil
			}
			return segment.Add(e, world)
		},
		AfterBatch: func(now event.Time) (err error) {
			if segment != nil {
				err = segment.EndBatch(now)
			}
			if n++; n%batches != 1 || err != nil {
				return err
			}
			end()
			buffer = &bytes.Buffer{}
			if segment, err = record.NewSegment(record.Pipe{Writer: buffer}, 0); err != nil {
				return err
			}
			return segment.Begin(now, head.Each)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	end()
	return parts
}

// TestJoined: segments of a run, read as one, show what one long segment of it shows.
func TestJoined(t *testing.T) {
	t.Parallel()
	for name, file := range runs(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			show := func(parts []record.Part) *record.Reader {
				r, err := record.Join(parts)
				if err != nil {
					t.Fatal(err)
				}
				return r
			}
			whole, parts := cutUp(t, file, 1<<30), cutUp(t, file, 7)
			if len(parts) < 4 {
				t.Fatalf("%d segments", len(parts))
			}
			parts[0], parts[1] = parts[1], parts[0] // in whatever order
			want, got := run(t, show(whole), pipeline.Options{}), run(t, show(parts), pipeline.Options{})
			if !reflect.DeepEqual(got.shown, want.shown) {
				t.Errorf("%d segments show\n%+v\none shows\n%+v", len(parts), got.shown.Totals, want.shown.Totals)
			}
			// Without one of them, that time was not recorded, and what exists is right again after it.
			lacking := run(t, show(slices.Delete(slices.Clone(parts), 2, 3)), pipeline.Options{})
			if cause := lacking.shown.Missing(); cause != "not recorded" {
				t.Errorf("what is missing is %q", cause)
			}
			compareTables(t, lacking.table, want.table)
			compareGauges(t, lacking.shown, want.shown)
		})
	}
}
