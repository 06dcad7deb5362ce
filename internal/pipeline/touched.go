package pipeline

import (
	"math/rand/v2"
	"slices"

	"github.com/porttrace/porttrace/internal/portspace"
)

// keptTouched is how many ports a touched keeps room for between scans.
const keptTouched = 1 << 12

// touched is a set of ports, by their hashes: in a storm very many are added while a scan is
// running, and only the scan asks for some. Of two ports with one hash of 64 bits, one would wait
// for the next scan.
type touched struct {
	seed   uint64
	hashes []uint64
	sorted bool
}

func newTouched() touched { return touched{seed: rand.Uint64()} }

func (t *touched) add(p portspace.Port) {
	t.hashes, t.sorted = append(t.hashes, p.Hash(t.seed)), false
}

func (t *touched) has(p portspace.Port) bool {
	if !t.sorted {
		slices.Sort(t.hashes)
		t.hashes, t.sorted = slices.Compact(t.hashes), true
	}
	_, is := slices.BinarySearch(t.hashes, p.Hash(t.seed))
	return is
}

func (t *touched) clear() {
	t.hashes, t.sorted = t.hashes[:0], false
	if cap(t.hashes) > keptTouched {
		t.hashes = nil
	}
}
