package flight

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/record"
)

// memoryRun is a run that is kept in memory, too.
type memoryRun struct {
	*run
	memory *Memory
}

func newMemoryRun(t *testing.T, maxBytes int64) *memoryRun {
	t.Helper()
	m := &memoryRun{run: newRun(t, Options{Dir: t.TempDir(), Length: time.Minute})}
	m.memory = NewMemory(MemoryOptions{Length: time.Minute, MaxBytes: maxBytes, Head: m.opts.Head, Repeat: func() {}})
	m.tee = func(e *event.Event, world *event.World) { m.memory.Add(e, world) }
	m.after = func(now event.Time) { m.memory.EndBatch(now) }
	return m
}

// readTaken returns what is kept, as a file.
func (m *memoryRun) readTaken(t *testing.T) (r *record.Reader, opens int) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "taken.ptrace")
	file, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	stats, err := record.WriteSegments(file, m.memory.Take(m.now))
	if info, statErr := file.Stat(); statErr != nil || info.Size() != stats.Bytes {
		t.Errorf("%v, and the file has %v", stats, info)
	}
	if err := errors.Join(err, file.Close()); err != nil {
		t.Fatal(err)
	}
	return read(t, []string{name})
}

// What is kept in memory is the last minute without a gap, however often it is taken.
func TestMemory(t *testing.T) {
	t.Parallel()
	m := newMemoryRun(t, 1<<20)
	m.seconds(30)
	if kept := m.memory.Kept(); !kept.All || kept.End.Sub(kept.Begin) < 29*time.Second {
		t.Errorf("soon: %+v", kept)
	}
	m.seconds(600)
	for range 3 {
		m.seconds(7)
		kept := m.memory.Kept()
		r, opens := m.readTaken(t)
		begin, end := r.Span()
		if length := end.Sub(begin); length < time.Minute || length > 80*time.Second || len(r.Gaps()) > 0 || opens != int(length/time.Second) {
			t.Errorf("%d opens in %s, gaps %v", opens, length, r.Gaps())
		}
		if kept.All || kept.Begin != begin || kept.End != end {
			t.Errorf("%+v, and the file is from %d to %d", kept, begin, end)
		}
	}
}

// It has its bytes at most, and as much of the end as fits.
func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	const most = 4 << 10
	m := newMemoryRun(t, most)
	least := int64(most)
	for n := range 300 {
		m.seconds(1)
		kept := m.memory.Kept()
		if kept.Bytes > most {
			t.Fatalf("after %d s: %+v", n, kept)
		}
		if n > 100 {
			least = min(least, kept.Bytes)
		}
	}
	kept := m.memory.Kept()
	if length := kept.End.Sub(kept.Begin); length >= time.Minute || length < 5*time.Second || least < most/4 {
		t.Errorf("%s are kept, in %d bytes at least", length, least)
	}
	if r, opens := m.readTaken(t); len(r.Gaps()) > 0 || opens == 0 {
		t.Errorf("%d opens, gaps %v", opens, r.Gaps())
	}
}

// Sockets that are too many to begin with are not written again and again.
func TestMemoryOfManySockets(t *testing.T) {
	t.Parallel()
	m := newMemoryRun(t, 256)
	m.seconds(30)
	if kept := m.memory.Kept(); !kept.Paused || kept.Bytes > 0 || len(m.memory.Take(m.now)) > 0 {
		t.Errorf("%+v", kept)
	}
}

// What was before a storm stays for a minute, with how that begins. Then it starts over.
func TestMemoryInStorm(t *testing.T) {
	t.Parallel()
	m := newMemoryRun(t, 20<<10)
	m.seconds(40)
	begun := m.now
	for n := range 6000 { // a thousand times as much as before
		m.seconds(1)
		m.now = m.now.Add(-999 * time.Millisecond)
		if n%100 == 0 {
			time.Sleep(3 * time.Millisecond) // a frame is written, as in time that passes
		}
	}
	m.seconds(20)
	kept := m.memory.Kept()
	if !kept.Paused || kept.End < begun || m.now.Sub(kept.End) < 15*time.Second || begun.Sub(kept.Begin) < 35*time.Second {
		t.Fatalf("%+v, the storm began at %d", kept, begun)
	}
	r, opens := m.readTaken(t)
	if begin, end := r.Span(); len(r.Gaps()) > 0 || opens <= 40 || begin != kept.Begin || end != kept.End {
		t.Errorf("%d opens from %d to %d, gaps %v; kept: %+v", opens, begin, end, r.Gaps(), kept)
	}
	m.seconds(80)
	if later := m.memory.Kept(); later.Paused || later.Begin < kept.End || later.End != m.now {
		t.Errorf("later: %+v", later)
	}
}
