package record

import (
	"bytes"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// TestConsumeField: the short way to read a field reads what protowire reads, of any three bytes.
func TestConsumeField(t *testing.T) {
	t.Parallel()
	rest := []byte{3, 1, 2, 3}
	short := 0
	for i := range 1 << 16 {
		field := append([]byte{byte(i), byte(i >> 8)}, rest...)
		for _, b := range [][]byte{field, field[:2], field[:1]} {
			wantN, wantType, tag := protowire.ConsumeTag(b)
			n, v, value, size := consumeField(b)
			if tag < 0 {
				if size >= 0 {
					t.Fatalf("% x: the size is %d", b, size)
				}
				continue
			}
			wantSize := protowire.ConsumeFieldValue(wantN, wantType, b[tag:])
			if wantSize < 0 && size < 0 {
				continue
			}
			if size != tag+wantSize {
				t.Fatalf("% x: the size is %d, want %d", b, size, tag+wantSize)
			}
			wantV, wantValue := uint64(0), []byte(nil)
			switch wantType {
			case protowire.VarintType:
				wantV, _ = protowire.ConsumeVarint(b[tag:])
			case protowire.BytesType:
				wantValue, _ = protowire.ConsumeBytes(b[tag:])
			default:
				wantN = 0
			}
			if n != wantN || v != wantV || !bytes.Equal(value, wantValue) {
				t.Fatalf("% x: %d is %d or % x, want %d, %d, % x", b, n, v, value, wantN, wantV, wantValue)
			}
			if _, _, is := shortField(b); is {
				short++
			}
		}
	}
	if short != 2*15*128 {
		t.Errorf("%d fields are short", short)
	}
}
