package kerneltest

import (
	"bytes"
	"cmp"
	"context"
	"encoding/pem"
	"flag"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/filter"
	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/live"
	"github.com/porttrace/porttrace/internal/pipeline"
	"github.com/porttrace/porttrace/internal/record"
)

// recordFor makes TestDemoRecording write the recording of a demo of that length to
// standard output, as PEM: out of a virtual machine there is no other way.
var recordFor = flag.Duration("record-demo", 0, "write a recording of the demo, this long, to standard output")

// memory is a recording that is not stored anywhere.
type memory struct{ bytes.Buffer }

func (*memory) Sync() error              { return nil }
func (m *memory) Truncate(n int64) error { m.Buffer.Truncate(int(n)); return nil }

func (m *memory) reader(t *testing.T) *record.Reader {
	t.Helper()
	r, err := record.NewReader(bytes.NewReader(m.Bytes()), int64(m.Len()))
	noError(t, err)
	return r
}

// TestDemoRecording records the demo, from which the recordings in the repository are.
func TestDemoRecording(t *testing.T) {
	length := cmp.Or(*recordFor, 4*time.Second)
	source := attach(t, live.Options{})
	ctx, cancel := context.WithTimeout(t.Context(), length)
	defer cancel()
	// It goes on until all is read: its end would be in the recording.
	demo, err := lab.StartDemo(t.Context(), lab.DemoOptions{For: length + time.Minute})
	noError(t, err)
	defer demo.Close()
	only, err := filter.Parse(filter.Request{Netns: []string{strconv.FormatUint(uint64(demo.Netns()), 10)}})
	noError(t, err)
	var file memory
	snap, _, err := recordTo(ctx, &file, source, pipeline.Options{Filter: only})
	noError(t, err)
	if snap.Totals.Opens == 0 {
		t.Error("nothing was opened")
	}
	replayed, err := aggregate(t.Context(), file.reader(t), pipeline.Options{})
	// What others on this machine left is in one of the two only.
	snap.Totals.TimeWaitOther, replayed.Totals.TimeWaitOther = 0, 0
	if err != nil || replayed.Totals != snap.Totals {
		t.Errorf("replayed: %+v, %v; live: %+v", replayed.Totals, err, snap.Totals)
	}
	if *recordFor > 0 {
		if err := pem.Encode(os.Stdout, &pem.Block{Type: "PORTTRACE RECORDING", Bytes: file.Bytes()}); err != nil {
			t.Fatal(err)
		}
	}
}
