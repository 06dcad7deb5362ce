package kerneltest

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/live"
	"github.com/porttrace/porttrace/internal/pipeline"
	"github.com/porttrace/porttrace/internal/record"
	"github.com/porttrace/porttrace/internal/snapshot"
)

const (
	// benchEvents are recorded at least, unless benchLongest is over before.
	benchEvents  = 3_000_000
	benchLongest = time.Minute
)

// BenchmarkRecording records a storm, and then measures with that recording: bytes of an
// event, processor time to write one, and events read per second of processor time, alone and
// into snapshots.
func BenchmarkRecording(b *testing.B) {
	needKernel(b)
	name := filepath.Join(b.TempDir(), "storm.ptrace")
	stats := recordStorm(b, name)
	r, file, err := record.OpenFile(name)
	noError(b, err)
	defer file.Close()
	perEvent := func(through func(context.Context, *record.Reader) error) float64 {
		before := cpuTime(b)
		noError(b, errors.Join(r.Rewind(), through(b.Context(), r)))
		return float64(cpuTime(b)-before) / float64(stats.Events)
	}
	var read, written, shown float64
	for b.Loop() {
		read += perEvent(readThrough)
		written += perEvent(rewrite)
		shown += perEvent(show)
	}
	n := float64(b.N)
	b.ReportMetric(float64(stats.Bytes)/float64(stats.Events), "B/event")
	b.ReportMetric((written-read)/n, "write-ns/event")
	b.ReportMetric(1e3*n/read, "read-Mevents/s")
	b.ReportMetric(1e3*n/shown, "snapshots-Mevents/s")
}

func recordStorm(b *testing.B, name string) record.Stats {
	b.Helper()
	n := newStormNetns(b)
	source, err := openLive(live.Options{})
	noError(b, err)
	defer source.Close()
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	noError(b, err)
	defer file.Close()
	storm, err := n.Spawn("storm", &lab.Storm{For: benchLongest})
	noError(b, err)
	defer storm.Stop()
	ctx, cancel := context.WithTimeout(b.Context(), benchLongest)
	defer cancel()
	begun := time.Now()
	snap, stats, err := recordTo(ctx, file, until(source, benchEvents, cancel), pipeline.Options{})
	noError(b, err)
	b.Logf("recorded %d events in %s, %d more were counted without detail", stats.Events, time.Since(begun).Round(time.Second), snap.Health.LostDetails)
	return stats
}

// until calls enough when the stream has had this many events.
func until(source pipeline.Source, events int, enough func()) pipeline.Source {
	return sourceFunc(func(ctx context.Context) (event.Batch, error) {
		batch, err := source.Read(ctx)
		if events -= len(batch.Events); events <= 0 {
			enough()
		}
		return batch, err
	})
}

func readThrough(ctx context.Context, r *record.Reader) error {
	for {
		if _, err := r.Read(ctx); err != nil {
			return unlessEnd(err)
		}
	}
}

// rewrite writes all events to a new recording.
func rewrite(ctx context.Context, r *record.Reader) error {
	writer, err := record.NewWriter(record.Pipe{Writer: io.Discard}, 0)
	if err != nil {
		return err
	}
	var world event.World
	for {
		batch, err := r.Read(ctx)
		for i := range batch.Events {
			world.Apply(&batch.Events[i])
			if err := writer.Add(&batch.Events[i], &world); err != nil {
				return errors.Join(err, writer.Close())
			}
		}
		if err := errors.Join(unlessEnd(err), writer.EndBatch(batch.Now)); err != nil {
			return errors.Join(err, writer.Close())
		}
		if err != nil {
			return writer.Close()
		}
	}
}

// show makes the snapshots of a screen.
func show(ctx context.Context, r *record.Reader) error {
	_, err := aggregate(ctx, r, pipeline.Options{
		Snapshots: make(chan *snapshot.Snapshot, 1), Every: 100 * time.Millisecond,
	})
	return err
}

func unlessEnd(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// cpuTime returns the processor time of this process so far.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var usage unix.Rusage
	noError(b, unix.Getrusage(unix.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
