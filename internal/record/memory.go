package record

import (
	"bytes"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/porttrace/porttrace/internal/event"
)

// Memory is Storage that keeps a Segment in memory, frame by frame. What it has may be written when
// the Segment is closed.
type Memory struct {
	frames []storedFrame
	head   atomic.Int64
}

// storedFrame is a header with its frame, compressed.
type storedFrame struct {
	header
	stored []byte
}

// Write takes one frame with its header, as a Writer passes them.
func (m *Memory) Write(b []byte) (int, error) {
	h, err := readHeader(b)
	if err != nil {
		return 0, err
	}
	m.frames = append(m.frames, storedFrame{h, bytes.Clone(b[headerSize:])})
	if h.head {
		m.head.Add(int64(len(b)))
	}
	return len(b), nil
}

// Sync does nothing.
func (*Memory) Sync() error { return nil }

// Truncate does nothing: no frame is written in part.
func (*Memory) Truncate(int64) error { return nil }

// Head returns how many bytes the head of the Segment takes so far. Any goroutine may call it.
func (m *Memory) Head() int64 { return m.head.Load() }

// WriteSegments writes segments of one run, each of which begins where the one before ends, as one
// recording: with the head of the first, and the frames of all as they are. An error is that of the
// file, which then has no end.
func WriteSegments(to io.Writer, segments []*Memory) (Stats, error) {
	var stats Stats
	var number uint64
	var end event.Time
	put := func(h header, stored []byte) error {
		h.number = number
		n, err := to.Write(append(h.append(nil), stored...))
		stats.Bytes += int64(n)
		if err != nil {
			return fmt.Errorf("writing frame %d: %w", number, err)
		}
		stats.Events += uint64(h.events)
		return nil
	}
	for i, segment := range segments {
		for _, f := range segment.frames {
			end = max(end, f.end)
			if f.kind == kindEnd || i > 0 && f.head {
				continue
			}
			if err := put(f.header, f.stored); err != nil {
				return stats, err
			}
			number++
		}
	}
	return stats, put(header{kind: kindEnd, begin: end, end: end}, nil)
}
