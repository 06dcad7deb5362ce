package main

import (
	"slices"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/portspace"
)

// spaceWatch makes the events of port spaces, which are not in the stream but follow from
// it. nil makes none.
type spaceWatch struct {
	watch    *portspace.Watch
	fullOnly bool
}

// watch is nil unless port spaces are to be printed: to follow them takes a table of all
// sockets.
func (f *printFlags) watch(kinds []event.Kind) *spaceWatch {
	if !slices.Contains(kinds, event.SpaceChanged) {
		return nil
	}
	return &spaceWatch{watch: portspace.NewWatch(portspace.Limit), fullOnly: f.failures}
}

// after is what follows from the event, valid until the next.
func (w *spaceWatch) after(e *event.Event) []event.Event {
	if w == nil {
		return nil
	}
	changes := w.watch.Add(e)
	if w.fullOnly {
		changes = slices.DeleteFunc(changes, func(c event.Event) bool {
			return c.Fact.(*event.SpaceUse).State != event.SpaceFull
		})
	}
	return changes
}
