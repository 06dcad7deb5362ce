package kerneltest

import (
	"context"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/live"
)

// nextScan reads until the next scan of the namespace is complete.
func nextScan(b *testing.B, source *live.Source, n *lab.Netns) {
	b.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), waitLimit)
	defer cancel()
	for {
		batch, err := source.Read(ctx)
		noError(b, err)
		for i := range batch.Events {
			fact, is := batch.Events[i].Fact.(*event.Census)
			if !is || fact.Netns != n.Inode() {
				continue
			}
			if fact.Sockets < benchBuckets {
				b.Fatalf("%d sockets: buckets have ended", fact.Sockets)
			}
			return
		}
	}
}

// BenchmarkFirstScan starts a trace while there are 28,000 TIME_WAIT: until they are known.
func BenchmarkFirstScan(b *testing.B) {
	n := newStormNetns(b)
	fillWithBuckets(b, n)
	for b.Loop() {
		b.StopTimer()
		source := attach(b, live.Options{})
		b.StartTimer()
		nextScan(b, source, n)
		b.StopTimer()
		source.Close()
		b.StartTimer()
	}
	b.ReportMetric(benchBuckets*float64(b.N)/b.Elapsed().Seconds(), "sockets/s")
}

// BenchmarkScans goes on with that trace. Scans come at most once a second, so what counts is
// the processor time of each, and the share of a processor, with everything else that is done
// each second.
func BenchmarkScans(b *testing.B) {
	n := newStormNetns(b)
	fillWithBuckets(b, n)
	source := attach(b, live.Options{})
	nextScan(b, source, n)
	began, before := time.Now(), cpuTime(b)
	for b.Loop() {
		nextScan(b, source, n)
	}
	used := float64(cpuTime(b) - before)
	b.ReportMetric(used/float64(b.N), "cpu-ns/scan")
	b.ReportMetric(1e9*benchBuckets*float64(b.N)/used, "sockets/cpu-s")
	b.ReportMetric(100*used/float64(time.Since(began)), "%cpu")
}
