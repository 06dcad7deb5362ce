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
//
// A page that is mapped counts as memory of this process, and data that is mapped twice in a row
// counts twice. So only a piece is mapped at a time, and between two calls of each a small window at
// most.
type ring struct {
	mu       sync.Mutex // close may be called while records are read
	consumed *uint64    // up to where records were read, which only this side writes
	produced *uint64    // up to where there are any
	size     uint64     // of the data
	piece    uint64     // how much of it is mapped at once, which then is given back
	data     ringData   // nil: closed
}

// ringData is the data of a ring, twice in a row, so that a record is never in two parts.
type ringData interface {
	view(offset, length uint64) (part []byte, release func(), err error)
	close()
}

// include/uapi/linux/bpf.h
const (
	ringHeaderSize = 8 // BPF_RINGBUF_HDR_SZ
	ringBusy       = 1 << 31
	ringDiscarded  = 1 << 30
)

// openRing maps the positions of a map of type BPF_MAP_TYPE_RINGBUF.
func openRing(m *ebpf.Map) (*ring, error) {
	data := &mappedRing{m: m, page: uint64(os.Getpagesize())}
	data.window = &ringWindow{
		size: min(windowSize, uint64(m.MaxEntries())), page: data.page, unmap: unmap,
		pages: func(at, length uint64) ([]byte, error) {
			return unix.Mmap(m.FD(), int64(2*data.page+at), int(length), unix.PROT_READ, unix.MAP_SHARED)
		},
	}
	reader, writer, err := data.positions()
	if err != nil {
		return nil, err
	}
	return newRing(reader, writer, data, uint64(m.MaxEntries()), data.page), nil
}

func newRing(consumed, produced *uint64, data ringData, size, page uint64) *ring {
	return &ring{consumed: consumed, produced: produced, size: size, piece: max(size/8, page), data: data}
}

// close makes the ring empty. It waits for a reader.
func (r *ring) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.data != nil {
		r.data.close()
		r.data = nil
	}
}

// each calls f for every record that is in the ring now. Those that come meanwhile are left for
// the next call: a storm must not hold this one. f must not keep the record.
func (r *ring) each(f func(record []byte) error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.data == nil {
		return nil
	}
	at := *r.consumed
	for end := atomic.LoadUint64(r.produced); at < end; {
		read, whole, err := r.eachOf(at, min(end-at, r.piece), f)
		at += read
		atomic.StoreUint64(r.consumed, at) // gives room back before all is read
		if err != nil || !whole {
			return err
		}
	}
	return nil
}

// eachOf calls f for the records of a piece. It returns how many bytes they take, and whether
// that is all until the end of the piece, or until a record that goes beyond it.
func (r *ring) eachOf(at, length uint64, f func(record []byte) error) (read uint64, whole bool, err error) {
	data, release, err := r.data.view(at&(r.size-1), length)
	if err != nil {
		return 0, false, fmt.Errorf("mapping the ring: %w", err)
	}
	defer release()
	for read < length {
		// The kernel clears ringBusy when the record is whole: only then may it be read.
		header := atomic.LoadUint32((*uint32)(unsafe.Pointer(&data[read])))
		if header&ringBusy != 0 {
			return read, false, nil
		}
		size := uint64(header &^ (ringBusy | ringDiscarded))
		next := read + ringHeaderSize + (size+7)&^7
		switch {
		case next > length && read == 0:
			return 0, false, fmt.Errorf("a record of %d bytes where %d are left", size, length)
		case next > length:
			return read, true, nil
		case header&ringDiscarded == 0:
			if err := f(data[read+ringHeaderSize:][:size:size]); err != nil {
				return read, false, err
			}
		}
		read = next
	}
	return read, true, nil
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

// mappedRing is the data of a map: behind a page with the position of the reader, and one with
// that of the programs (ringbuf_map_mmap_user(), kernel/bpf/ringbuf.c).
type mappedRing struct {
	m              *ebpf.Map // keeps the file open
	page           uint64
	reader, writer []byte
	window         *ringWindow
}

// positions maps those of the reader and of the programs.
func (d *mappedRing) positions() (reader, writer *uint64, err error) {
	if d.reader, err = unix.Mmap(d.m.FD(), 0, int(d.page), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err != nil {
		return nil, nil, err
	}
	if d.writer, err = unix.Mmap(d.m.FD(), int64(d.page), int(d.page), unix.PROT_READ, unix.MAP_SHARED); err != nil {
		d.close()
		return nil, nil, err
	}
	return (*uint64)(unsafe.Pointer(&d.reader[0])), (*uint64)(unsafe.Pointer(&d.writer[0])), nil
}

// view maps a part of the data, which has all its pages at once: the kernel fills none in later.
func (d *mappedRing) view(offset, length uint64) ([]byte, func(), error) {
	return d.window.view(offset, length)
}

func (d *mappedRing) close() {
	unmap(d.reader)
	unmap(d.writer)
	d.window.close()
}

// unmap unmaps pages, if there are any.
func unmap(pages []byte) {
	if pages != nil {
		_ = unix.Munmap(pages)
	}
}
