package portspace

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// BenchmarkAdd is churn towards some destinations: each connection opens and leaves a TIME_WAIT,
// which ends a minute later.
func BenchmarkAdd(b *testing.B) {
	for _, destinations := range []int{1, 1024} {
		b.Run(fmt.Sprint(destinations), func(b *testing.B) {
			churn(b, destinations, tableOf(config(event.PortRange{Low: 32768, High: 60999}, "")).Add)
		})
	}
}

// BenchmarkMemory is the memory of a bucket, with all that finds it.
func BenchmarkMemory(b *testing.B) {
	const buckets = 100_000
	for _, destinations := range []int{4, 1024, buckets} {
		b.Run(fmt.Sprint(destinations), func(b *testing.B) {
			for b.Loop() {
				before := heap()
				table := New(Limit)
				for i := range buckets {
					e := bucketAt(i, destinations)
					table.Add(&e)
				}
				b.ReportMetric(float64(heap()-before)/buckets, "bytes/socket")
				runtime.KeepAlive(table)
			}
		})
	}
}

// heap returns the bytes of the heap that are in use.
func heap() int64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

// bucketAt is one of the buckets that a storm leaves, each with a 4-tuple of its own.
func bucketAt(i, destinations int) event.Event {
	return socketEvent(event.Close, "10.0.0.1:1", "10.0.0.2:80", flags(event.TimeWait), func(e *event.Event) {
		to := i % destinations
		e.Src.Port, e.Dst.Addr[12], e.Dst.Port = uint16(32768+i/destinations), byte(to>>15), uint16(1+to&0x7fff)
	})
}

// BenchmarkThresholds is the same with a space that is nearly full, which is reported once.
func BenchmarkThresholds(b *testing.B) {
	w := watchedOf(event.PortRange{Low: 32768, High: 60999})
	churn(b, 1, func(e *event.Event) {
		w.Advance(e.Time)
		w.table.Add(e)
		w.Add(e)
	})
}

func churn(b *testing.B, destinations int, add func(*event.Event)) {
	const perSecond = 450 // what a full range sustains
	var stream []event.Event
	for i := range 28000 {
		when := at(time.Duration(i) * time.Second / perSecond)
		port := func(e *event.Event) { e.Src.Port, e.Dst.Port = uint16(32768+i), uint16(80+i%destinations) }
		stream = append(stream, socketEvent(event.Open, "10.0.0.1:1", "10.0.0.2:80", when, port, cookie(uint64(i))),
			socketEvent(event.Close, "10.0.0.1:1", "10.0.0.2:80", when, port, flags(event.TimeWait), cookie(uint64(i))))
	}
	b.ReportAllocs()
	for b.Loop() {
		for i := range stream {
			add(&stream[i])
			stream[i].Time = stream[i].Time.Add(28000 * time.Second / perSecond)
		}
	}
	b.ReportMetric(float64(b.N)*float64(len(stream))/b.Elapsed().Seconds()/1e6, "Mevents/s")
}

// BenchmarkReconcile is the comparison of a scan that has found what the table has.
func BenchmarkReconcile(b *testing.B) {
	for _, destinations := range []int{4, 1024} {
		b.Run(fmt.Sprint(destinations), func(b *testing.B) {
			const buckets = 100_000
			table := tableOf()
			scan := event.NetnsScan{Census: event.Census{Netns: net1, Bound: true}}
			for i := range buckets {
				e := bucketAt(i, destinations)
				table.Add(&e)
				scanned := found("10.0.0.1:1", "", event.StateTimeWait, ending(time.Minute))
				scanned.Src, scanned.Dst = e.Src, e.Dst
				addFound(&scan.Sockets, &scanned)
			}
			for b.Loop() {
				for range table.Reconcile(Found{NetnsScan: &scan, At: start, Unsettled: settled}) {
					b.Fatal("they differ")
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/buckets, "ns/socket")
		})
	}
}

// BenchmarkNamespaces is the comparison of a scan of very many namespaces with a few sockets each.
func BenchmarkNamespaces(b *testing.B) {
	for _, namespaces := range []int{20, 2000} {
		b.Run(fmt.Sprint(namespaces), func(b *testing.B) {
			const each = 5
			table := tableOf()
			var scans []event.NetnsScan
			for i := range namespaces {
				set := config(hundred, "")
				set.Fact.(*event.Netns).Inode = uint32(100 + i)
				table.Add(&set)
				scan := event.NetnsScan{Census: event.Census{Netns: uint32(100 + i), Bound: true}}
				for j := range each {
					e := found(local(j), "10.0.0.2:80", event.StateEstablished)
					e.Netns, e.Dst.Port = uint32(100+i), uint16(80+j)
					table.Add(&e)
					addFound(&scan.Sockets, &e)
				}
				scans = append(scans, scan)
			}
			for b.Loop() {
				for i := range scans {
					for range table.Reconcile(Found{NetnsScan: &scans[i], At: start, Unsettled: settled}) {
						b.Fatal("they differ")
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(namespaces*each), "ns/socket")
		})
	}
}
