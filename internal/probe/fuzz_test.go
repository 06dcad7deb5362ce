package probe

import (
	"bytes"
	"math/bits"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"unsafe"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/export"
)

// FuzzDecode has any bytes for each type of record of the rings: a path is absolute, a name has no
// NUL, and what users see of the event is one line.
func FuzzDecode(f *testing.F) {
	sizes := []int{connEventSize, sockEventSize, processEventSize}
	for _, file := range []string{"records.hex", "captured.hex"} {
		for _, raw := range readRecords(f, file) {
			for i, size := range sizes {
				if len(raw) == size {
					f.Add(uint8(i), raw)
				}
			}
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, data []byte) {
		record := make([]uint64, sizes[int(which)%len(sizes)]/8)
		raw := unsafe.Slice((*byte)(unsafe.Pointer(&record[0])), 8*len(record))
		copy(raw, data)
		var e event.Event
		if stamp, err := decode(raw, &e); err != nil || stamp != e.Time {
			return
		}
		context := export.Context{}
		if p, ok := e.Fact.(*event.Process); ok {
			context.Process = p
			if p.ID != e.Proc || strings.Contains(p.Comm+p.Exe+p.Cgroup, "\x00") {
				t.Errorf("process %+v of %v", p, e.Proc)
			}
			if p.Cgroup != "" && p.Cgroup[0] != '/' {
				t.Errorf("the cgroup is %q", p.Cgroup)
			}
		}
		var line bytes.Buffer
		if err := export.NewJSON(&line).Write(&e, context); err != nil || bytes.Count(line.Bytes(), []byte("\n")) > 1 {
			t.Errorf("%+v is written as %q, %v", e, line.String(), err)
		}
	})
}

// FuzzCounted has any bytes for an entry of the maps of counts: what it counts is what the event
// counts.
func FuzzCounted(f *testing.F) {
	for _, raw := range readRecords(f, "folds.hex") {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var fold struct {
			key    bpfFoldKey
			counts bpfFoldCounts
		}
		fill(&fold, data)
		e := foldEvent(&fold.key, &fold.counts)
		of, c := e.Fact.(*event.Fold), &fold.counts
		if of.Opens != c.Opens || of.ClosesOut+of.ClosesIn+of.ClosesUnknown != c.Closes {
			t.Errorf("%+v is %+v", c, of)
		}
		var failure struct {
			key    bpfFailKey
			counts bpfFailCounts
		}
		fill(&failure, data)
		e = failEvent(&failure.key, &failure.counts)
		if e.Count != failure.counts.Folded || e.Kind != event.ConnectFail && e.Kind != event.BindFail || e.Reason == 0 {
			t.Errorf("%+v is %+v", failure, e)
		}
	})
}

// fill copies bytes into a struct, as many as fit.
func fill[T any](to *T, data []byte) {
	copy(unsafe.Slice((*byte)(unsafe.Pointer(to)), unsafe.Sizeof(*to)), data)
}

// FuzzIterators has any bytes for what the iterators write, read in whatever pieces: each record is
// decoded once, and of a list of ports none is lost.
func FuzzIterators(f *testing.F) {
	f.Add(recordOf(&bpfCensusSocket{Sk: 1, State: uint8(event.StateTimeWait), Expiry: 5, Sport: 40000}), true)
	f.Add(recordOf(&bpfCensusHolder{Sk: 1, Pid: 7, Start: 1e9, State: uint8(event.StateBound), Sport: 40000}), false)
	f.Add(recordOf(&bpfCensusNetns{Inode: hostNetns, Low: 32768, High: 60999, Reserved: [1024]uint64{125: 1}}), false)
	f.Fuzz(func(t *testing.T, data []byte, torn bool) {
		holders := &Holders{bySocket: map[uint64]int{}}
		eachIn(t, data, torn, holders.addSocket)
		eachIn(t, data, torn, func(s *bpfCensusHolder) { udpSocket(s) })
		eachIn(t, data, torn, func(s *bpfCensusSocket) {
			found := decodeSocket(s, 1)
			holders.assignOwner(s, &found)
			if found.State == event.StateTimeWait && found.Expiry < 1 {
				t.Errorf("a bucket that expired before now: %+v", found)
			}
		})
		held := 0
		for _, n := range holders.Owners() {
			held += n
		}
		var bound event.FoundList
		holders.Bound(&bound, 0)
		if held > len(holders.sockets) || bound.Len() > len(holders.sockets) {
			t.Errorf("of %d sockets %d are held and %d bound", len(holders.sockets), held, bound.Len())
		}
		eachIn(t, data, torn, func(n *bpfCensusNetns) {
			reserved := 0
			for _, word := range n.Reserved {
				reserved += bits.OnesCount64(word)
			}
			listed := decodeNetns(n).Reserved
			if set := event.ParsePortSet(listed); set.Within(event.PortRange{High: 65535}) != reserved || set.String() != listed {
				t.Errorf("%d reserved ports are listed as %s", reserved, listed)
			}
		})
	})
}

// eachIn calls f for each record in data, and fails if it is not called for as many as there are.
func eachIn[T any](t *testing.T, data []byte, torn bool, f func(*T)) {
	t.Helper()
	r := iotest.DataErrReader(bytes.NewReader(data))
	if torn {
		r = iotest.HalfReader(r)
	}
	n := 0
	err := eachRecord(r, new([chunkSize]byte), func(record *T) { n++; f(record) })
	if want := len(data) / int(unsafe.Sizeof(*new(T))); err != nil || n != want {
		t.Errorf("%d bytes are %d records, not %d: %v", len(data), n, want, err)
	}
}

// FuzzRing has any bytes for a ring: records lie behind each other in what was produced, and reading
// ends.
func FuzzRing(f *testing.F) {
	r := newTestRing(0)
	r.send(0, []byte("eight by"))
	r.send(ringDiscarded, []byte("discarded"))
	r.send(0, []byte("last"))
	f.Add([]byte(r.written[:*r.produced]), uint64(0), uint16(*r.produced))
	f.Add([]byte(r.written[:*r.produced]), uint64(testRingSize-16), uint16(*r.produced))
	f.Fuzz(func(t *testing.T, data []byte, at uint64, produced uint16) {
		r := newTestRing(at &^ 7)
		for i := range data {
			to := (*r.consumed + uint64(i)) % testRingSize
			r.written[to], r.written[to+testRingSize] = data[i], data[i]
		}
		end := *r.consumed + uint64(produced)%(testRingSize+1)&^7
		if end < *r.consumed { // the position of 64 bits does not come to its end
			return
		}
		*r.produced = end
		begin, read := *r.consumed, uint64(0)
		_ = r.each(func(record []byte) error {
			read += ringHeaderSize + (uint64(len(record))+7)&^7
			return nil
		})
		if *r.consumed > end || begin+read > *r.consumed {
			t.Errorf("from %d to %d are records of %d bytes, %d was produced", begin, *r.consumed, read, end)
		}
	})
}

// FuzzSockstat has any text for /proc/net/sockstat, by which maps are sized.
func FuzzSockstat(f *testing.F) {
	files, _ := filepath.Glob("../netns/testdata/*/sockstat")
	for _, name := range files {
		if text, err := os.ReadFile(name); err == nil {
			f.Add(string(text))
		}
	}
	f.Fuzz(func(t *testing.T, file string) {
		r := room{memory: uint64(len(file)) << 20, sockets: allocatedSockets(file)}
		if n := r.conns(100); n < leastConns || n > maxConns {
			t.Errorf("room for %d connections by %q", n, file)
		}
	})
}
