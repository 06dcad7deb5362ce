package probe

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/porttrace/porttrace/internal/event"
)

const (
	testRingSize = 4096
	testPageSize = 256
)

// testRing is a ring without a kernel: what send writes is mapped once, so it is written twice.
type testRing struct {
	*ring
	written testData
}

func newTestRing(at uint64) *testRing {
	data := make(testData, 2*testRingSize)
	return &testRing{newRing(&at, new(at), data, testRingSize, testPageSize), data}
}

type testData []byte

func (d testData) view(offset, length uint64) ([]byte, func(), error) {
	return d[offset : offset+length : offset+length], func() {}, nil
}

func (testData) close() {}

// send writes a record as __bpf_ringbuf_reserve() and bpf_ringbuf_commit() do.
func (r *testRing) send(flags uint32, record []byte) {
	whole := binary.LittleEndian.AppendUint32(nil, uint32(len(record))|flags)
	whole = append(append(whole, 0, 0, 0, 0), record...)
	for len(whole)%8 != 0 {
		whole = append(whole, 0xee)
	}
	for i, b := range whole {
		at := (*r.produced + uint64(i)) % testRingSize
		r.written[at], r.written[at+testRingSize] = b, b
	}
	*r.produced += uint64(len(whole))
}

func (r *testRing) read(t *testing.T) (records []string) {
	t.Helper()
	err := r.each(func(record []byte) error {
		records = append(records, string(record))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return records
}

// Records are read from any position, over the end of the ring, and each once.
func TestRing(t *testing.T) {
	for _, at := range []uint64{0, 8, testRingSize - 8, testRingSize - 16, 1<<32 - 8} {
		r := newTestRing(at)
		r.send(0, []byte("eight by"))
		r.send(0, []byte("more than eight"))
		r.send(ringDiscarded, []byte("discarded"))
		r.send(0, []byte("last"))
		if got, want := r.read(t), []string{"eight by", "more than eight", "last"}; !slices.Equal(got, want) {
			t.Errorf("at %d: %q, want %q", at, got, want)
		}
		if again := r.read(t); again != nil || r.waiting() != 0 {
			t.Errorf("at %d: %q are read again, %d bytes wait", at, again, r.waiting())
		}
	}
}

// A record that is still being written stops the reader: those behind it come after it.
func TestRingBusy(t *testing.T) {
	r := newTestRing(0)
	r.send(0, []byte("first"))
	at := *r.produced
	r.send(ringBusy, []byte("busy"))
	r.send(0, []byte("behind"))
	if got := r.read(t); !slices.Equal(got, []string{"first"}) {
		t.Errorf("%q", got)
	}
	binary.LittleEndian.PutUint32(r.written[at:], 4)
	if got := r.read(t); !slices.Equal(got, []string{"busy", "behind"}) {
		t.Errorf("%q", got)
	}
}

// Records that go over the end of a piece that is mapped at once are read, also of a full ring and
// when they are nearly as long as a piece.
func TestRingPieces(t *testing.T) {
	for length := 0; length <= testRingSize/8-ringHeaderSize; length += 24 {
		r, record := newTestRing(testRingSize-1000), strings.Repeat("x", length)
		sent := 0
		for ; *r.produced-*r.consumed+uint64(ringHeaderSize+length+7)&^7 <= testRingSize; sent++ {
			r.send(0, []byte(record))
		}
		got := r.read(t)
		if len(got) != sent || slices.ContainsFunc(got, func(s string) bool { return s != record }) || r.waiting() != 0 {
			t.Errorf("%d records of %d bytes, want %d; %d bytes wait", len(got), length, sent, r.waiting())
		}
	}
}

// The programs get room back while a full ring is read.
func TestRingGivesRoomBack(t *testing.T) {
	r := newTestRing(0)
	for *r.produced+24 <= testRingSize {
		r.send(0, []byte("sixteen bytes ..."[:16]))
	}
	most := uint64(0)
	read := uint64(0)
	err := r.each(func([]byte) error {
		most = max(most, read-*r.consumed)
		read += 24
		return nil
	})
	if err != nil || most > testRingSize/4 || *r.consumed != *r.produced {
		t.Errorf("%v, %d bytes were read and not given back", err, most)
	}
}

// A ring that says nonsense ends the reading: it does not read beyond its data.
func TestRingNonsense(t *testing.T) {
	r := newTestRing(0)
	r.send(0, []byte("short"))
	binary.LittleEndian.PutUint32(r.written, 1<<29)
	if err := r.each(func([]byte) error { return nil }); err == nil {
		t.Error("a record longer than the ring is read")
	}
}

func TestRingClosed(t *testing.T) {
	r := newTestRing(0)
	r.send(0, []byte("unread"))
	r.close()
	if got := r.read(t); got != nil || r.waiting() != 0 {
		t.Errorf("a closed ring has %q", got)
	}
	r.close()
}

// BenchmarkRead reads batches of as many small records as fit into the smallest ring, with what
// each costs: ns/event.
func BenchmarkRead(b *testing.B) {
	small := bpfConnEvent{Kind: uint8(bpfEventKindKIND_CLOSE), Pid: 77, Start: 123456789012, Flags: uint16(bpfEventFlagFLAG_TIME_WAIT)}
	r := newTestRing(0)
	for *r.produced+uint64(connEventSize)+ringHeaderSize <= testRingSize {
		r.send(0, recordOf(&small))
	}
	var events []event.Event
	var stamps []event.Time
	b.ReportAllocs()
	count := 0
	for b.Loop() {
		*r.consumed = 0
		var err error
		if events, stamps, err = drain(r.ring, events[:0], stamps[:0], nil); err != nil {
			b.Fatal(err)
		}
		count += len(events)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(count), "ns/event")
}
