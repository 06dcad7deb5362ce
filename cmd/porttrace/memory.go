package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"

	"github.com/porttrace/porttrace/internal/linux"
)

// gcPercent is half of Go's default: the traced host may be short of memory, too.
const gcPercent = 50

// limitMemory has the collector keep what this process allocates below half of the memory that
// it may have. The kernel counts more as its own: the maps, and for a moment what the verifier
// and the loading of programs take; and pages of the executable.
func limitMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(int64(linux.Memory() / 2))
	}
}

const (
	// liveGarbage is how much garbage a live run lets pile up: it makes a few MiB a second at most, and
	// to collect what is alive then takes some ms.
	liveGarbage = 5 << 20
	// leastPercent is what that is at least of what is alive, which else takes too much time.
	leastPercent = 25
	// mostPercent is what it is at most, as by Go's default.
	mostPercent = 100
	// freeHeap is how much of the heap may be free beside that, and is not given back at once.
	freeHeap = 3 << 20
)

// limitGarbage has the collector of a live run come by more often while more is alive, and give back
// what is free. It is called again after each collection.
func limitGarbage() {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	limitGarbageOf(linux.Memory())
}

// limitGarbageOf does it for a process that may have so much memory: to find that out takes half a
// millisecond, and limits of a running process hardly change.
func limitGarbageOf(memory uint64) {
	usage := readUsage()
	percent := percentFor(usage.alive)
	debug.SetGCPercent(percent)
	most := usage.alive + usage.alive*uint64(percent)/100 + usage.other + freeHeap
	debug.SetMemoryLimit(int64(min(most, memory/2)))
	next := new(struct{ _ *byte })
	runtime.AddCleanup(next, limitGarbageOf, memory)
}

func percentFor(alive uint64) int {
	return int(min(max(100*liveGarbage/max(alive, 1), leastPercent), mostPercent))
}

// usage is how many bytes were alive after the last collection, and what the runtime takes beside
// objects and free heap.
type usage struct{ alive, other uint64 }

func readUsage() usage {
	samples := []metrics.Sample{
		{Name: "/gc/heap/live:bytes"},
		{Name: "/memory/classes/total:bytes"},
		{Name: "/memory/classes/heap/released:bytes"},
		{Name: "/memory/classes/heap/free:bytes"},
		{Name: "/memory/classes/heap/objects:bytes"},
	}
	metrics.Read(samples)
	value := func(i int) uint64 { return samples[i].Value.Uint64() }
	return usage{alive: value(0), other: value(1) - min(value(1), value(2)+value(3)+value(4))}
}
