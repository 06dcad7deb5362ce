package record

import (
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// Segment writes a recording that begins in the middle of a run. It opens as if the trace had
// begun with it, by its head: all that was known then. A reader of several segments of one run,
// each of which begins where the one before ends, leaves the heads out. Like a Writer it is for
// one goroutine. As it is beside something else, it does not wait for a slow disk, but fails with
// ErrSlow; Close waits.
type Segment struct {
	*Writer
	described map[event.ProcID]bool // processes whose facts are in the recording
	last      event.ProcID          // the one looked up last, mostly that of the next event
}

// maxDescribed bounds the processes that are remembered; then they are described again. A reader
// keeps as many at least (event.World).
const maxDescribed = 1 << 14

// diskPatience is for how long a full frame may keep the run waiting, once.
const diskPatience = time.Second

// NewSegment begins a recording, as NewWriter does.
func NewSegment(to Storage, maxBytes int64) (*Segment, error) {
	s, err := newSegment(to, maxBytes)
	if err == nil {
		s.patience = diskPatience
	}
	return s, err
}

// NewCopy begins a recording that is made of another one, so that it may wait for the disk.
func NewCopy(to Storage) (*Segment, error) { return newSegment(to, 0) }

func newSegment(to Storage, maxBytes int64) (*Segment, error) {
	w, err := NewWriter(to, maxBytes)
	if err != nil {
		return nil, err
	}
	return &Segment{Writer: w, described: map[event.ProcID]bool{}}, nil
}

// Begin must be called before anything is added. head calls a function with all that is known at a
// moment, as pipeline.Head does.
func (s *Segment) Begin(now event.Time, head func(put func(*event.Event, *event.World) error) error) error {
	s.head, s.frame.head = true, true
	if err := head(s.Add); err != nil {
		return err
	}
	return s.endHead(now)
}

// Add appends an event, which the world must have applied already. Before one that names a
// process whose facts came before the recording, it repeats these.
func (s *Segment) Add(e *event.Event, world *event.World) error {
	switch fact := e.Fact.(type) {
	case *event.Process:
		s.remember(fact.ID)
	case *event.UDPUse:
		for _, holder := range fact.Holders {
			if err := s.describe(holder.Proc, e.Time, world); err != nil {
				return err
			}
		}
	}
	if err := s.describe(e.Proc, e.Time, world); err != nil {
		return err
	}
	if err := s.describe(e.Listener, e.Time, world); err != nil {
		return err
	}
	return s.Writer.Add(e, world)
}

// describe adds the facts of a process, if they are known and not in the recording.
func (s *Segment) describe(id event.ProcID, at event.Time, world *event.World) error {
	if !id.Known() || id == s.last {
		return nil
	}
	if s.described[id] {
		s.last = id
		return nil
	}
	p := world.Process(id)
	if p.Comm == "" && p.Exe == "" { // nothing is known of it yet
		return nil
	}
	s.remember(id)
	return s.Writer.Add(&event.Event{Time: at, Kind: event.ProcessKnown, Fact: p}, world)
}

func (s *Segment) remember(id event.ProcID) {
	if len(s.described) >= maxDescribed {
		clear(s.described)
	}
	s.described[id], s.last = true, id
}
