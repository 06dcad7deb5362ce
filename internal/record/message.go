package record

import (
	"errors"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/porttrace/porttrace/internal/event"
)

// errMalformed is the error of a frame whose sums are right but which cannot be decoded.
var errMalformed = errors.New("malformed frame")

// appendMessage appends the fields that are not zero.
func appendMessage(b []byte, list fields) []byte {
	for i, field := range list {
		n := protowire.Number(i + 1)
		switch p := field.(type) {
		case *bool:
			b = appendUint(b, n, protowire.EncodeBool(*p))
		case *uint8:
			b = appendUint(b, n, uint64(*p))
		case *uint16:
			b = appendUint(b, n, uint64(*p))
		case *uint32:
			b = appendUint(b, n, uint64(*p))
		case *uint64:
			b = appendUint(b, n, *p)
		case *int64:
			b = appendUint(b, n, protowire.EncodeZigZag(*p))
		case *string:
			b = appendString(b, n, *p)
		case *event.Addr:
			if *p != (event.Addr{}) {
				b = appendBytes(b, n, p[:])
			}
		}
	}
	return b
}

func appendUint(b []byte, n protowire.Number, v uint64) []byte {
	if v == 0 {
		return b
	}
	return protowire.AppendVarint(protowire.AppendTag(b, n, protowire.VarintType), v)
}

func appendString(b []byte, n protowire.Number, s string) []byte {
	if s == "" {
		return b
	}
	return protowire.AppendString(protowire.AppendTag(b, n, protowire.BytesType), s)
}

func appendBytes(b []byte, n protowire.Number, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, n, protowire.BytesType), v)
}

// eachField calls f with every field of the message b: a number in v, or bytes. Fields of
// other types, which no version has so far, are skipped.
func eachField(b []byte, f func(n protowire.Number, v uint64, bytes []byte) error) error {
	for len(b) > 0 {
		n, v, bytes, size := consumeField(b)
		if size < 0 {
			return errMalformed
		}
		b = b[size:]
		if n == 0 {
			continue
		}
		if err := f(n, v, bytes); err != nil {
			return err
		}
	}
	return nil
}

// consumeField returns the first field of a message, and the size of it, which is negative if it is
// malformed. The number of a field of another type is 0.
func consumeField(b []byte) (n protowire.Number, v uint64, bytes []byte, size int) {
	if n, v, bytes, size = shortField(b); size > 0 {
		return n, v, bytes, size
	}
	n, typ, tag := protowire.ConsumeTag(b)
	if tag < 0 {
		return 0, 0, nil, tag
	}
	b = b[tag:]
	switch typ {
	case protowire.VarintType:
		v, size = protowire.ConsumeVarint(b)
	case protowire.BytesType:
		bytes, size = protowire.ConsumeBytes(b)
	default:
		n, size = 0, protowire.ConsumeFieldValue(n, typ, b)
	}
	if size < 0 {
		return 0, 0, nil, size
	}
	return n, v, bytes, tag + size
}

// shortField returns the same of a field whose number is less than 2,048 and which is a number or a
// length of one byte, as nearly all are; else a size of 0.
func shortField(b []byte) (n protowire.Number, v uint64, bytes []byte, size int) {
	const more = 0x80 // of a byte of a number: another one follows
	if len(b) < 3 {
		return 0, 0, nil, 0
	}
	tag, at := uint(b[0]), 1
	if tag >= more {
		tag, at = tag&^more|uint(b[1])<<7, 2
	}
	if b[at-1] >= more || b[at] >= more || tag>>3 == 0 {
		return 0, 0, nil, 0
	}
	n, v, at = protowire.Number(tag>>3), uint64(b[at]), at+1
	switch protowire.Type(tag & 7) {
	case protowire.VarintType:
		return n, v, nil, at
	case protowire.BytesType:
		if end := at + int(v); end <= len(b) {
			return n, 0, b[at:end:end], end
		}
	}
	return 0, 0, nil, 0
}

// readMessage sets the fields to the values of the message. Fields of later versions are
// skipped.
func readMessage(b []byte, list fields) error {
	for len(b) > 0 {
		n, v, bytes, size := consumeField(b)
		if size < 0 {
			return errMalformed
		}
		b = b[size:]
		if n == 0 || int(n) > len(list) {
			continue
		}
		if !setField(list[n-1], v, bytes) {
			return errMalformed
		}
	}
	return nil
}

// setField sets a field to a value, and reports whether that can be.
func setField(field any, v uint64, bytes []byte) bool {
	switch p := field.(type) {
	case *bool:
		*p = protowire.DecodeBool(v)
	case *uint8:
		*p = uint8(v)
	case *uint16:
		*p = uint16(v)
	case *uint32:
		*p = uint32(v)
	case *uint64:
		*p = v
	case *int64:
		*p = protowire.DecodeZigZag(v)
	case *string:
		*p = string(bytes)
	case *event.Addr:
		if len(bytes) != len(p) {
			return false
		}
		copy(p[:], bytes)
	}
	return true
}
