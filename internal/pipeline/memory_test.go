package pipeline

import (
	"runtime"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// TestMemoryOfStorm: what is kept of 117,000 buckets towards 1,024 destinations, with a scan that
// has found all of them, is bounded, and is given back when they have expired.
func TestMemoryOfStorm(t *testing.T) {
	const buckets, mib = 117_000, 1 << 20
	before := heapInUse()
	s := NewState(nil)
	usual := event.Netns{Inode: 1, TimeWait: -1, Ports: event.PortRange{Low: 32768, High: 60999}}
	s.addAll([]event.Event{{Time: event.Time(time.Hour), Kind: event.NetnsKnown, Fact: &usual}}, &output{})
	begun := event.Time(time.Hour)
	scan := event.Scan{Netns: []event.NetnsScan{{Census: event.Census{Netns: 1, Bound: true}}}}
	for second := 0; scan.Netns[0].Sockets.Len() < buckets; second++ {
		for _, batch := range storm(1024) {
			for i := range batch.Events {
				e := &batch.Events[i]
				e.Time, e.Src.Addr[15] = e.Time.Add(time.Duration(second)*time.Second), byte(second)
				if e.Kind == event.Close && scan.Netns[0].Sockets.Len() < buckets {
					bucket := *e
					bucket.State, bucket.Flags, bucket.Last = event.StateTimeWait, 0, e.Time.Add(time.Minute)
					addFound(&scan.Netns[0].Sockets, &bucket)
				}
				scan.At = e.Time
			}
			batch.Now = scan.At
			_ = s.Add(batch, nil)
		}
	}
	_ = s.Add(event.Batch{Now: scan.At, Scan: &scan}, nil)
	full := heapInUse() - before
	runtime.KeepAlive(scan)
	scan = event.Scan{}
	s.Snapshot(begun.Add(5 * time.Minute))
	after := heapInUse() - before
	runtime.KeepAlive(s)
	t.Logf("%d MiB, and %d MiB after the storm", full/mib, after/mib)
	if full > 30*mib || after > 10*mib {
		t.Errorf("%d MiB, and %d MiB after the storm", full/mib, after/mib)
	}
}

// heapInUse returns the bytes of the heap that are in use.
func heapInUse() int64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}
