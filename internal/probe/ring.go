package probe

import (
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// ring reads records where the kernel has written them, in place: a reader that copies each, and
// says after each that it was read, takes several times as long as to decode them.
type ring struct {
	mu       sync.Mutex // close may be called while records are read
	mappings [2][]byte
	consumed *uint64 // up to where records were read, which only this side writes
	produced *uint64 // up to where there are any
	data     []byte  // mapped twice in a row, so that a record is never in two parts
}

// include/uapi/linux/bpf.h
const (
	ringHeaderSize = 8 // BPF_RINGBUF_HDR_SZ
	ringBusy       = 1 << 31
	ringDiscarded  = 1 << 30
)

// openRing maps a map of type BPF_MAP_TYPE_RINGBUF: a page with the position of the reader, one
// with that of the programs, and the data (ringbuf_map_mmap_user(), kernel/bpf/ringbuf.c).
func openRing(m *ebpf.Map) (*ring, error) {
	page, size := os.Getpagesize(), int(m.MaxEntries())
	reader, err := unix.Mmap(m.FD(), 0, page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, err
	}
	writer, err := unix.Mmap(m.FD(), int64(page), page+2*size, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		_ = unix.Munmap(reader)
		return nil, err
	}
	return &ring{
		mappings: [2][]byte{reader, writer},
		consumed: (*uint64)(unsafe.Pointer(&reader[0])),
		produced: (*uint64)(unsafe.Pointer(&writer[0])),
		data:     writer[page:],
	}, nil
}

// close makes the ring empty. It waits for a reader.
func (r *ring) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range r.mappings {
		if m != nil {
			_ = unix.Munmap(m)
		}
	}
	r.mappings, r.data = [2][]byte{}, nil
}

// each calls f for every record that is in the ring now. Those that come meanwhile are left for
// the next call: a storm must not hold this one. f must not keep the record.
func (r *ring) each(f func(record []byte) error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.data == nil {
		return nil
	}
	size := uint64(len(r.data) / 2)
	free, at := *r.consumed, *r.consumed // free: up to where the programs know
	defer func() { atomic.StoreUint64(r.consumed, at) }()
	for end := atomic.LoadUint64(r.produced); at < end; {
		start := at & (size - 1)
		// The kernel clears ringBusy when the record is whole: only then may it be read.
		header := atomic.LoadUint32((*uint32)(unsafe.Pointer(&r.data[start])))
		if header&ringBusy != 0 {
			break
		}
		length := uint64(header &^ (ringBusy | ringDiscarded))
		next := at + ringHeaderSize + (length+7)&^7
		if next > end {
			return fmt.Errorf("a record of %d bytes where %d are left", length, end-at)
		}
		if header&ringDiscarded == 0 {
			if err := f(r.data[start+ringHeaderSize:][:length:length]); err != nil {
				return err
			}
		}
		if at = next; at-free > size/8 { // give room back before all is read
			free = at
			atomic.StoreUint64(r.consumed, at)
		}
	}
	return nil
}

// waiting returns how many bytes of records there are.
func (r *ring) waiting() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.data == nil {
		return 0
	}
	return int(atomic.LoadUint64(r.produced) - *r.consumed)
}
