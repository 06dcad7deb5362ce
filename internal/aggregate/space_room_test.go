package aggregate

import (
	"runtime"
	"testing"
)

// A plot that was used before is as a new one, whatever its size was.
func TestPlotIsUsedAgain(t *testing.T) {
	t.Parallel()
	for size := range 2000 {
		var room spaceRoom
		p := room.newPlot(0)
		p.classes = append(p.classes[:0], make([]portClass, size)...)
		p.holders = append(p.holders[:0], make([]int32, size)...)
		for i := range size {
			p.classes[i], p.holders[i] = portOpen, 7
		}
		room.plots = append(room.plots, p)
		more := max(cap(p.classes), cap(p.holders)) // which differ, as the plot has grown
		again := room.newPlot(more)
		for i := range more {
			if again.classes[i] != portFree || again.holders[i] != 0 {
				t.Fatalf("%d of %d: class %d, holder %d", i, size, again.classes[i], again.holders[i])
			}
		}
	}
}

// The room of a snapshot is that of the next one, however often the collector has come by. This is not for
// other tests beside it.
func TestSpareRoom(t *testing.T) {
	room := takeRoom()
	room.giveBack()
	for range 3 {
		runtime.GC()
	}
	if again := takeRoom(); again != room {
		t.Error("the room was made again")
	}
	if takeRoom() == room {
		t.Error("the room is used twice at a time")
	}
	room.giveBack()
}
