package kerneltest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/live"
	"github.com/porttrace/porttrace/internal/pipeline"
	"github.com/porttrace/porttrace/internal/record"
)

// A disk that gets full during a storm ends the recording with the system's
// error. What is in the file is the beginning of the stream, cut after a whole frame.
func TestFullDisk(t *testing.T) {
	source := &tape{Source: attach(t, live.Options{})}
	file, err := os.OpenFile(filepath.Join(smallDisk(t), "full.ptrace"), os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	noError(t, err)
	defer file.Close()
	spawn(t, newStormNetns(t), "storm", &lab.Storm{})
	ctx, cancel := context.WithTimeout(t.Context(), jobLimit)
	defer cancel()
	_, stats, err := recordTo(ctx, file, source, pipeline.Options{})
	if !errors.Is(err, unix.ENOSPC) {
		t.Fatalf("it ended after %+v: %v", stats, err)
	}

	info, err := file.Stat()
	if err != nil || info.Size() != stats.Bytes {
		t.Errorf("the file has %d bytes (%v), reported were %+v", info.Size(), err, stats)
	}
	r, err := record.NewReader(file, info.Size())
	noError(t, err)
	_, end := r.Span()
	checkCutOnly(t, r, end)
	got := readAll(t, r)
	last := len(got) - 1
	if gap, ok := got[last].Fact.(*event.Gap); !ok || !gap.Truncated || uint64(last) != stats.Events {
		t.Fatalf("%d events were written, read are %d, the last is %+v", stats.Events, len(got), got[last])
	}
	checkPrefix(t, got[:last], source.events(t))
}

// smallDisk mounts a file system that a storm fills in a few seconds.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	noError(t, unix.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"))
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// checkPrefix checks that the stream begins with the events. Holders follow from the rest and are
// not in a file: those of the stream are not compared, since binds of other tests may fail too.
func checkPrefix(t *testing.T, events, stream []event.Event) {
	t.Helper()
	if len(events) > len(stream) {
		t.Fatalf("%d events, the stream has %d", len(events), len(stream))
	}
	for i := range events {
		stream[i].Holder = nil
		if !reflect.DeepEqual(events[i], stream[i]) {
			t.Fatalf("event %d of %d:\n%+v\nwas\n%+v", i, len(events), events[i], stream[i])
		}
	}
}
