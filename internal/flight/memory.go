package flight

import (
	"slices"
	"sync"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/record"
)

// MemoryOptions are those of a Memory.
type MemoryOptions struct {
	Length   time.Duration // how much time is kept, at least, if it is not too many bytes
	MaxBytes int64         // of all segments together
	// As those of a Recorder.
	Head   func(put func(*event.Event, *event.World) error) error
	Repeat func()
}

// memorySegments is how many segments the length has. There are fewer than in a directory: each begins
// with all sockets, which takes room and time.
const memorySegments = 5

// Memory keeps the last minutes in memory, in segments as those of a Recorder. All methods but Kept are
// for one goroutine at a time.
type Memory struct {
	opts    MemoryOptions
	current *growing // nil: none until retryAt
	list    []memorySegment
	retryAt event.Time
	dropped bool // there was more
	paused  bool // until retryAt

	mu   sync.Mutex
	kept Kept
}

// Kept is what a Memory has.
type Kept struct {
	Begin, End event.Time // equal: nothing
	Bytes      int64
	All        bool // since the run began, nothing was dropped
	// Paused: too much happens, or exists, for what is kept to have some time. What was before stays for
	// a while, and nothing is added.
	Paused bool
}

// memorySegment is what is kept of one segment.
type memorySegment struct {
	memory     *record.Memory
	begin, end event.Time // the end and the bytes once it is closed
	bytes      int64
}

// growing is the segment that events are added to. Its writer has room for many, which is given up with
// it.
type growing struct {
	*record.Segment
	memorySegment
}

// NewMemory returns an empty one. It begins with the first batch.
func NewMemory(opts MemoryOptions) *Memory { return &Memory{opts: opts} }

// Add takes an event of the run, which the world has applied already.
func (m *Memory) Add(e *event.Event, world *event.World) {
	if m.current != nil && m.current.Add(e, world) != nil {
		m.restart(e.Time)
	}
}

// EndBatch must be called after each batch.
func (m *Memory) EndBatch(now event.Time) {
	if m.current != nil && m.current.EndBatch(now) != nil {
		m.restart(now)
	}
	switch {
	case m.current == nil && now < m.retryAt:
	case m.current == nil:
		m.begin(now)
	case m.isTooMuch(now):
		m.pause(now)
	case m.isDone(now):
		m.end(now)
		m.begin(now)
	}
	m.trim(now)
	m.note(now)
}

// isDone reports whether the segment has its time, or its bytes. These are more than its share if it
// begins with many sockets: most of what is kept is to be events.
func (m *Memory) isDone(now event.Time) bool {
	age, bytes := now.Sub(m.current.begin), m.current.Stats().Bytes
	most := min(max(m.opts.MaxBytes/memorySegments, 4*m.current.memory.Head()), m.opts.MaxBytes/2)
	return age >= m.opts.Length/memorySegments || age >= shortest && bytes >= most
}

const (
	// leastTime is how much time what is kept must have to be worth its cost: each segment begins with all
	// sockets, which takes more CPU time than the events of a second.
	leastTime = 10 * time.Second
	// pauseTime is for how long nothing is kept otherwise.
	pauseTime = time.Minute
)

// isTooMuch reports whether the sockets take half of the bytes, or the events fill them in no time.
func (m *Memory) isTooMuch(now event.Time) bool {
	head, age := m.current.memory.Head(), max(now.Sub(m.current.begin), shortest)
	perSecond := float64(m.current.Stats().Bytes-head) / age.Seconds()
	return head > m.opts.MaxBytes/2 || perSecond > float64(m.opts.MaxBytes)/leastTime.Seconds()
}

// pause keeps what was, which has how it began to be too much, and adds nothing for a while.
func (m *Memory) pause(now event.Time) {
	m.end(now)
	m.paused, m.retryAt = true, now.Add(pauseTime)
}

// begin begins a segment, which goes on where the one before ends.
func (m *Memory) begin(now event.Time) {
	if m.paused {
		m.list, m.paused, m.dropped = nil, false, true // what is kept has no gaps
	}
	memory := &record.Memory{}
	segment, err := record.NewSegment(memory, 0)
	if err != nil {
		m.restart(now)
		return
	}
	m.current = &growing{segment, memorySegment{memory: memory, begin: now}}
	m.opts.Repeat()
	if m.current.Begin(now, m.opts.Head) != nil {
		m.restart(now)
	}
}

// end ends the segment. Its last frame is compressed meanwhile: that takes some ms at most.
func (m *Memory) end(now event.Time) {
	if m.current == nil {
		return
	}
	ended := m.current
	m.current = nil
	if ended.Close() != nil {
		m.restart(now)
		return
	}
	ended.end, ended.bytes = now, ended.Stats().Bytes
	m.list = append(m.list, ended.memorySegment)
}

// restart drops all and tries again soon, after an error, which is that of a host that has no time to compress.
func (m *Memory) restart(now event.Time) {
	if m.current != nil {
		_ = m.current.Close() // nothing of it is kept
	}
	m.current, m.list, m.dropped = nil, nil, true
	m.retryAt = now.Add(firstRetry)
}

// trim drops the oldest segments: those whose time is over, and those that are too many bytes.
func (m *Memory) trim(now event.Time) {
	bytes := m.bytes()
	for len(m.list) > 0 && (m.list[0].end < now.Add(-m.opts.Length) || bytes > m.opts.MaxBytes) {
		bytes -= m.list[0].bytes
		m.list = slices.Delete(m.list, 0, 1)
		m.dropped = true
	}
}

func (m *Memory) bytes() int64 {
	sum := int64(0)
	for _, one := range m.list {
		sum += one.bytes
	}
	if m.current != nil {
		sum += m.current.Stats().Bytes
	}
	return sum
}

// note has Kept return what there is.
func (m *Memory) note(now event.Time) {
	kept := Kept{Begin: now, End: now, Bytes: m.bytes(), All: !m.dropped, Paused: m.paused}
	switch {
	case len(m.list) > 0:
		kept.Begin = m.list[0].begin
	case m.current != nil:
		kept.Begin = m.current.begin
	}
	if m.paused && len(m.list) > 0 {
		kept.End = m.list[len(m.list)-1].end
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.kept = kept
}

// Kept returns what there is. Any goroutine may call it.
func (m *Memory) Kept() Kept {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.kept
}

// Take returns all that is kept up to now, for record.WriteSegments. It must be called between batches;
// the memory goes on.
func (m *Memory) Take(now event.Time) []*record.Memory {
	if m.current != nil && m.current.begin < now {
		m.end(now)
		m.begin(now)
	}
	return m.closed()
}

// Close ends it, and returns all that is kept.
func (m *Memory) Close(now event.Time) []*record.Memory {
	m.end(now)
	m.note(now)
	return m.closed()
}

func (m *Memory) closed() []*record.Memory {
	var all []*record.Memory
	for _, one := range m.list {
		all = append(all, one.memory)
	}
	return all
}
