package record

import (
	"bytes"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// TestConsumeField: the short way to read a field reads what protowire reads, whatever the first two bytes
// are, and however many follow.
func TestConsumeField(t *testing.T) {
	t.Parallel()
	rest := [][]byte{{}, {0}, {0x80}, {1, 2}, {0x81, 1, 2}, {3, 1, 2, 3, 4}, {2, 0x80, 0x80, 1, 5}}
	short := 0
	for i := range 1 << 16 {
		for _, rest := range rest {
			b := append([]byte{byte(i), byte(i >> 8)}, rest...)
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
			if _, _, _, size := shortField(b); size > 0 {
				short++
			}
		}
	}
	if short < 20_000 {
		t.Errorf("only %d of the fields are short", short)
	}
}
