package kerneltest

import (
	"context"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/live"
	"github.com/porttrace/porttrace/internal/probe"
)

func openSource(b *testing.B) *live.Source {
	b.Helper()
	source, err := live.Open(live.Options{Probe: probe.Options{KeepTypes: true}})
	if err != nil {
		b.Fatal(err)
	}
	return source
}

// nextLook reads on until all sockets of the namespace have been looked at.
func nextLook(b *testing.B, source *live.Source, n *lab.Netns) {
	b.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), longest/2)
	defer cancel()
	for {
		batch, err := source.Read(ctx)
		if err != nil {
			b.Fatal(err)
		}
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

// BenchmarkFirstLook begins a trace where there are 28,000 TIME_WAIT: until they are known.
func BenchmarkFirstLook(b *testing.B) {
	needRoot(b)
	n := newStormNetns(b)
	fillWithBuckets(b, n)
	for b.Loop() {
		b.StopTimer()
		source := openSource(b)
		b.StartTimer()
		nextLook(b, source, n)
		b.StopTimer()
		source.Close()
		b.StartTimer()
	}
	b.ReportMetric(benchBuckets*float64(b.N)/b.Elapsed().Seconds(), "sockets/s")
}

// BenchmarkLooks goes on with that trace. Looks come at most once a second, so what counts
// is the processor time of each, and how much of a processor they take, with all else that
// is done each second.
func BenchmarkLooks(b *testing.B) {
	needRoot(b)
	n := newStormNetns(b)
	fillWithBuckets(b, n)
	source := openSource(b)
	defer source.Close()
	nextLook(b, source, n)
	began, before := time.Now(), cpuTime(b)
	for b.Loop() {
		nextLook(b, source, n)
	}
	used := float64(cpuTime(b) - before)
	b.ReportMetric(used/float64(b.N), "cpu-ns/look")
	b.ReportMetric(1e9*benchBuckets*float64(b.N)/used, "sockets/cpu-s")
	b.ReportMetric(100*used/float64(time.Since(began)), "%cpu")
}
