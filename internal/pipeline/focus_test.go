package pipeline

import (
	"reflect"
	"testing"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// The snapshots of a view have the map of the space that it asks for; the others, and the rest of
// each, are as they are without.
func TestFocus(t *testing.T) {
	t.Parallel()
	events := append(worldAt(second), namespace(second, 7))
	for space := range 40 {
		for port := range 40 - space {
			e := on(uint16(40_000+port), socket(second, event.Open, shop, 0))
			e.Dst.Port = uint16(1 + space)
			events = append(events, e)
		}
	}
	least := snapshot.SpaceID{Kind: snapshot.ConnectSpace, Netns: 7, Proto: event.TCP, Remote: event.Endpoint{Port: 40}}
	shown := func(focus *snapshot.Focus) (published, last *snapshot.Snapshot) {
		snapshots := make(chan *snapshot.Snapshot, 1)
		last = runTape(t, []event.Batch{until(second, events...)}, Options{Snapshots: snapshots, Focus: focus})
		return <-snapshots, last
	}
	var focus snapshot.Focus
	without, _ := shown(&focus)
	none, plain := shown(nil)
	focus.Set(least)
	with, last := shown(&focus)
	if without.Space(least).Map != nil || none.Space(least).Map != nil || last.Space(least).Map != nil {
		t.Error("a space has a map that was not asked for")
	}
	row := with.Space(least)
	if row.Map == nil || row.Map.Total().Open != 1 || row.Holders[0].Held == nil {
		t.Fatalf("%+v", row)
	}
	row.Map, row.Holders[0].Held = nil, nil
	if !reflect.DeepEqual(with, without) || !reflect.DeepEqual(without, none) || !reflect.DeepEqual(last, plain) {
		t.Error("the focus has changed more than the map")
	}
}
