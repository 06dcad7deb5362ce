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
	// trimFrom is how much that must be, and half of what is in use: so much the collector lets pile
	// up by itself (gcPercent of cmd/porttrace).
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
	if first || isRoomy() {
		debug.FreeOSMemory()
	}
}

// isRoomy reports whether much of the heap is free, or has become so since the last collection if
// nothing was made that stays.
func isRoomy() bool {
	samples := []metrics.Sample{
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/free:bytes"},
		{Name: "/memory/classes/heap/unused:bytes"},
		{Name: "/gc/heap/live:bytes"},
	}
	metrics.Read(samples)
	value := func(i int) uint64 { return samples[i].Value.Uint64() }
	taken, live := value(0)+value(1)+value(2), value(3)
	return taken > live+max(trimFrom, live/2)
}
