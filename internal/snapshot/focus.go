package snapshot

import (
	"slices"
	"sync/atomic"
)

// MaxFocus is how many spaces a Focus holds.
const MaxFocus = 4

// Focus is which port spaces are being viewed: snapshots have the Map of those, however empty
// they are. A view sets it, and the goroutine that makes the snapshots reads it. The zero value
// and nil are empty.
type Focus struct {
	ids atomic.Pointer[[]SpaceID]
}

// Set puts these in place of what was set before. Those beyond MaxFocus are left out.
func (f *Focus) Set(ids ...SpaceID) {
	list := slices.Clone(ids[:min(len(ids), MaxFocus)])
	f.ids.Store(&list)
}

// IDs returns what was set last. It must not be changed.
func (f *Focus) IDs() []SpaceID {
	if f == nil {
		return nil
	}
	if list := f.ids.Load(); list != nil {
		return *list
	}
	return nil
}
