package record

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"

	"github.com/porttrace/porttrace/internal/event"
)

// Version is the version of the files that are written. A change that an older porttrace
// would misread must raise it; a new field must not.
const Version = 1

// ErrVersion is the error of a recording whose version is newer than Version.
var ErrVersion = errors.New("made by a newer porttrace")

// A header stands before each zstd frame and, alone, at the end of a complete file. It is
// a skippable frame itself (RFC 8878, 3.1.2), little-endian:
//
//	 0  4  5e 2a 4d 18, a skippable frame
//	 4  4  its size from here on: 80
//	 8  9  "porttrace"
//	17  1  version
//	18  1  kind: 1 before a frame, 2 at the end
//	19  1  flags: 1, the frame is a part of the head (see Segment)
//	20  4  0
//	24  8  number of the frame in the file, from 0
//	32  8  begin, ns of CLOCK_MONOTONIC: how far the stream had come
//	40  8  end
//	48  8  the begin on the wall clock, ns since 1970; 0: not known
//	56  4  events
//	60  4  opens, at most 4294967295
//	64  4  closes
//	68  4  failures
//	72  4  size of the zstd frame
//	76  4  its size when decompressed
//	80  4  CRC-32C of the zstd frame
//	84  4  CRC-32C of the header up to here
//
// A reader goes from header to header; after damage it searches for the next one.
type header struct {
	kind     uint8
	head     bool
	number   uint64
	begin    event.Time
	end      event.Time
	wall     int64
	events   uint32
	opens    uint32
	closes   uint32
	failures uint32
	size     uint32
	raw      uint32
	sum      uint32
}

const (
	headerSize = 88

	kindFrame = 1
	kindEnd   = 2

	flagHead = 1
)

var (
	marker     = []byte("\x5e\x2a\x4d\x18\x50\x00\x00\x00porttrace")
	castagnoli = crc32.MakeTable(crc32.Castagnoli)

	errNoHeader = errors.New("no header")
)

func (h *header) append(b []byte) []byte {
	start := len(b)
	b = append(b, marker...)
	flags := byte(0)
	if h.head {
		flags |= flagHead
	}
	b = append(b, Version, h.kind, flags, 0, 0, 0, 0)
	b = binary.LittleEndian.AppendUint64(b, h.number)
	for _, v := range [...]int64{int64(h.begin), int64(h.end), h.wall} {
		b = binary.LittleEndian.AppendUint64(b, uint64(v))
	}
	for _, v := range [...]uint32{h.events, h.opens, h.closes, h.failures, h.size, h.raw, h.sum} {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	return binary.LittleEndian.AppendUint32(b, checksum(b[start:]))
}

// readHeader returns the header at the beginning of b.
func readHeader(b []byte) (header, error) {
	if len(b) < headerSize || !bytes.HasPrefix(b, marker) {
		return header{}, errNoHeader
	}
	b = b[:headerSize]
	if checksum(b[:headerSize-4]) != binary.LittleEndian.Uint32(b[headerSize-4:]) {
		return header{}, errNoHeader
	}
	if b[17] != Version {
		return header{}, errNoHeader
	}
	h := header{
		kind:   b[18],
		head:   b[19]&flagHead != 0,
		number: binary.LittleEndian.Uint64(b[24:]),
		begin:  event.Time(binary.LittleEndian.Uint64(b[32:])),
		end:    event.Time(binary.LittleEndian.Uint64(b[40:])),
		wall:   int64(binary.LittleEndian.Uint64(b[48:])),
	}
	for i, p := range [...]*uint32{&h.events, &h.opens, &h.closes, &h.failures, &h.size, &h.raw, &h.sum} {
		*p = binary.LittleEndian.Uint32(b[56+4*i:])
	}
	if h.kind != kindFrame && h.kind != kindEnd || h.begin < 0 || h.end < h.begin || h.end > maxTime ||
		h.size > maxStored || h.raw > maxRaw || h.events > maxEvents {
		return header{}, errNoHeader
	}
	return h, nil
}

// newerVersion returns the version of a header that a later porttrace wrote. Only the first
// 18 bytes of it are known.
func newerVersion(b []byte) (version uint8, ok bool) {
	if len(b) < 18 || !bytes.Equal(b[:4], marker[:4]) || !bytes.Equal(b[8:17], marker[8:]) {
		return 0, false
	}
	return b[17], b[17] > Version
}

func checksum(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }

func updateChecksum(sum uint32, b []byte) uint32 { return crc32.Update(sum, castagnoli, b) }
