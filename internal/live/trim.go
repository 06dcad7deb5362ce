package live

import (
	"runtime/debug"
	"runtime/metrics"
	"time"

	"github.com/porttrace/porttrace/internal/linux"
)

const (
	// trimInterval is how often it is looked whether memory can be given back, which takes some
	// ms. While garbage is made faster than that, the collector comes by itself.
	trimInterval = 10 * time.Second
	// trimFrom is how much that must be, and a third of what is in use: the collector lets less than
	// that pile up by itself (liveGarbage of cmd/porttrace).
	trimFrom = 6 << 20
)

// trim gives back the memory that a storm has taken, a scan of very many sockets, or the
// start: on a quiet host the collector would come by for it after minutes. Of the program it leaves
// what is in use.
func (s *Source) trim() {
	first := s.trimmed.IsZero()
	if !first && time.Since(s.trimmed) < trimInterval {
		return
	}
	s.trimmed = time.Now()
	if first || s.heap.isRoomy() {
		giveBack()
		return
	}
	linux.ReleaseProgram()
}

// giveBack returns all memory to the system that is not needed now.
func giveBack() {
	debug.FreeOSMemory()
	linux.ReleaseProgram()
}

// trimEvents empties the room for events, so that the facts of the last batch are not kept until as
// many events come again, and drops it if it is of a storm that is over.
func (s *Source) trimEvents() {
	clear(s.events)
	if cap(s.events) > max(minRoom, 4*len(s.events)) {
		s.events = nil
	}
}

// heap is what was known of the collector's work when it was looked last.
type heap struct{ collections uint64 }

// isRoomy reports whether much of the heap is free, or has become so since the last collection if
// nothing was made that stays. If there was none since the last call, much of what was alive then
// may not be any more.
func (h *heap) isRoomy() bool {
	samples := []metrics.Sample{
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/free:bytes"},
		{Name: "/memory/classes/heap/unused:bytes"},
		{Name: "/gc/heap/live:bytes"},
		{Name: "/gc/cycles/total:gc-cycles"},
	}
	metrics.Read(samples)
	value := func(i int) uint64 { return samples[i].Value.Uint64() }
	taken, live := value(0)+value(1)+value(2), value(3)
	idle := h.collections == value(4)
	h.collections = value(4)
	return taken > live+max(trimFrom, live/3) || idle && live > trimFrom
}
