package live

import (
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// trimInterval is how often it is looked whether memory can be given back, which takes some
	// ms.
	trimInterval = 10 * time.Second
	// trimFrom is how much that must be. The collector itself lets half of what is in use pile up
	// (gcPercent of cmd/porttrace) before it comes by.
	trimFrom = 8 << 20
)

// trim gives back the memory that a storm has taken, a scan of very many sockets, or the
// start: on a quiet host the collector would come by for it after minutes.
func (s *Source) trim() {
	first := s.trimmed.IsZero()
	if !first && time.Since(s.trimmed) < trimInterval {
		return
	}
	s.trimmed = time.Now()
	if first || cap(s.events) > max(minRoom, 8*len(s.events)) {
		s.events = nil
	}
	if first || releasable() > trimFrom {
		debug.FreeOSMemory()
	}
}

// releasable returns how many bytes of the heap are free, or have become so since the last
// collection if nothing was made that stays.
func releasable() uint64 {
	samples := []metrics.Sample{
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/free:bytes"},
		{Name: "/memory/classes/heap/unused:bytes"},
		{Name: "/gc/heap/live:bytes"},
	}
	metrics.Read(samples)
	value := func(i int) uint64 { return samples[i].Value.Uint64() }
	taken, live := value(0)+value(1)+value(2), value(3)
	return taken - min(taken, live)
}
