package portspace

import (
	"cmp"

	"github.com/porttrace/porttrace/internal/event"
)

// Percents of the capacity at which a space changes its state. Those on the way down are
// lower, for a space in steady use goes up and down all the time.
const (
	highAbove    = 80
	okBelow      = 70
	notFullBelow = 90
)

// near reports whether so much is in use that the space can be high or full.
func (s *Space) near() bool {
	return s.net.total > 0 && s.inUse()*100 > s.net.total*highAbove
}

// atMost is the worst state that can follow.
func (s *Space) atMost(before event.SpaceState) event.SpaceState {
	return after(before, &event.SpaceUse{Capacity: s.net.total, Live: s.inUse()})
}

// after is the state that follows.
func after(before event.SpaceState, u *event.SpaceUse) event.SpaceState {
	percents := u.Taken() * 100
	switch {
	case u.Capacity <= 0:
		return event.SpaceOK
	case u.Taken() >= u.Capacity, before == event.SpaceFull && percents >= u.Capacity*notFullBelow:
		return event.SpaceFull
	case percents > u.Capacity*highAbove, before != event.SpaceOK && percents >= u.Capacity*okBelow:
		return event.SpaceHigh
	}
	return event.SpaceOK
}

func (v View) use(now event.Time) event.SpaceUse {
	c := v.Counts()
	return event.SpaceUse{
		Capacity: v.Capacity(), Live: c.Live, TimeWait: c.TimeWait, Bound: c.Bound, Reusable: v.Reusable(now),
	}
}

// topHolder is who holds most of the ports, zero where that is not known.
func (v View) topHolder() event.ProcID {
	held := map[event.ProcID]int{}
	for port, socket := range v.Each() {
		if v.Holds(port) {
			held[socket.Proc]++
		}
	}
	v.net.EachOwned(func(port uint16, o Owned) {
		if _, counted := v.sockets[uint32(port)]; !counted && v.Range.Holds(port) {
			held[o.Proc]++
		}
	})
	var top event.ProcID
	for id, n := range held {
		if cmp.Or(cmp.Compare(n, held[top]), cmp.Compare(top.PID, id.PID), cmp.Compare(top.Start, id.Start)) > 0 {
			top = id
		}
	}
	return top
}
