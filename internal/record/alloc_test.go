package record

import "testing"

// TestAllocations compares a storm with one of twice as many events: an event, and a shape of which
// there are nearly as many, must take no room of the heap, written or read.
func TestAllocations(t *testing.T) {
	const destinations = 1024
	short, long := storm(20_000, 4, destinations), storm(40_000, 4, destinations)
	more := float64(count(long) - count(short))
	reading := func(batches []batch) func() {
		r := reader(t, write(t, batches))
		return func() {
			if err := r.Rewind(); err != nil {
				t.Fatal(err)
			}
			for {
				if _, err := r.Read(t.Context()); err != nil {
					return
				}
			}
		}
	}
	for _, test := range []struct {
		name        string
		short, long func()
	}{
		{"write", func() { write(t, short) }, func() { write(t, long) }},
		{"read", reading(short), reading(long)},
	} {
		if n := testing.AllocsPerRun(3, test.long) - testing.AllocsPerRun(3, test.short); n > more/50 {
			t.Errorf("%s: %.0f allocations for %.0f more events", test.name, n, more)
		}
	}
}
