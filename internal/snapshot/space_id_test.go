package snapshot

import (
	"slices"
	"testing"

	"github.com/porttrace/porttrace/internal/event"
)

func TestSpaceID(t *testing.T) {
	t.Parallel()
	space := PortSpace{Kind: ConnectSpace, Netns: 7, Proto: event.TCP, Remote: event.Endpoint{Port: 80}, Range: event.PortRange{Low: 1, High: 9}}
	snap := Snapshot{PortSpaces: []PortSpace{space}}
	id := space.ID()
	space.Range.High = 99
	if space.ID() != id || snap.Space(id) != &snap.PortSpaces[0] {
		t.Error("the range of the namespace has made another space of it")
	}
	space.PerSocketRange = true
	own := space.ID()
	if own == id || snap.Space(own) != nil {
		t.Error("sockets with a range of their own are in the same space")
	}
	kinds := []SpaceID{own, id, {Kind: BindSpace, Netns: 7}, {Netns: 8}, {Netns: 7, Device: 1}, {Netns: 7, Local: event.Addr{1}}, {Netns: 7, Proto: event.UDP}}
	slices.SortFunc(kinds, SpaceID.Compare)
	for i := range kinds[1:] {
		if kinds[i].Compare(kinds[i+1]) >= 0 || kinds[i+1].Compare(kinds[i]) <= 0 || kinds[i].Compare(kinds[i]) != 0 {
			t.Errorf("%+v and %+v", kinds[i], kinds[i+1])
		}
	}
}

func TestFocusIsBounded(t *testing.T) {
	t.Parallel()
	var none *Focus
	var f Focus
	if none.IDs() != nil || f.IDs() != nil {
		t.Error("an empty one has spaces")
	}
	ids := make([]SpaceID, MaxFocus+1)
	for i := range ids {
		ids[i].Netns = uint32(i)
	}
	f.Set(ids...)
	ids[0].Netns = 99
	if got := f.IDs(); len(got) != MaxFocus || got[0].Netns != 0 {
		t.Errorf("%+v", got)
	}
	if f.Set(); len(f.IDs()) != 0 {
		t.Errorf("%+v", f.IDs())
	}
}

// The slices cover the range, the last one as far as it goes.
func TestSlicesOfARange(t *testing.T) {
	t.Parallel()
	m := PortMap{Low: 32768, High: 60999}
	if first, last := m.Range(0), m.Range(504); first.Low != 32768 || first.Size() != 56 || last.High != 60999 || last.Size() != 8 {
		t.Errorf("%+v to %+v", first, last)
	}
}
