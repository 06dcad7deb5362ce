package probe

import (
	"fmt"
	"testing"
)

// Small parts are read in a window that stays mapped, larger ones are mapped for the moment, and both
// have what was written, wherever in the ring.
func TestRingWindow(t *testing.T) {
	t.Parallel()
	r := newTestRing(0)
	mapped, mappings := 0, 0
	window := &ringWindow{
		size: 1024, page: testPageSize,
		pages: func(at, length uint64) ([]byte, error) {
			if at%testPageSize != 0 || at+length > 2*testRingSize {
				return nil, fmt.Errorf("%d bytes at %d", length, at)
			}
			mapped, mappings = mapped+1, mappings+1
			return r.written[at : at+length], nil
		},
		unmap: func(pages []byte) {
			if pages != nil {
				mapped--
			}
		},
	}
	r.data, r.piece = windowData{window}, 2048
	for round := range 200 {
		records := 1 + 11*round%8*(round%40/20) // now and then 70
		for i := range records {
			r.send(0, fmt.Appendf(nil, "round %d, record %d", round, i))
		}
		for i, got := range r.read(t) {
			if want := fmt.Sprintf("round %d, record %d", round, i); got != want {
				t.Fatalf("%q, want %q", got, want)
			}
			records--
		}
		if records != 0 {
			t.Fatalf("round %d: %d records are not read", round, records)
		}
		if mapped > 1 {
			t.Fatalf("round %d: %d parts stay mapped", round, mapped)
		}
	}
	if mappings > 150 {
		t.Errorf("%d mappings for 200 visits", mappings)
	}
	if r.close(); mapped != 0 {
		t.Errorf("%d parts are mapped when the ring is closed", mapped)
	}
}

type windowData struct{ *ringWindow }
