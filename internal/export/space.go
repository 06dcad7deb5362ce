package export

import (
	"fmt"

	"github.com/porttrace/porttrace/internal/event"
)

// space is a port space whose state has changed. Its fields have the names of a report:
// time_wait is a number of ports here.
type space struct {
	common
	State    string `json:"state"` // ok, high, full
	Capacity int    `json:"capacity"`
	InUse    int    `json:"in_use"`
	Live     int    `json:"live"`
	TimeWait int    `json:"time_wait"`
	Bound    int    `json:"bound"`
	Headroom int    `json:"headroom"`
	Reusable int    `json:"reusable"` // of time_wait: tcp_tw_reuse would reuse them now
}

func newSpace(e *event.Event, c Context, u *event.SpaceUse) space {
	return space{
		common: newCommon(e, c), State: u.State.String(), Capacity: u.Capacity, InUse: u.InUse(), Live: u.Live,
		TimeWait: u.TimeWait, Bound: u.Bound, Headroom: u.Headroom(), Reusable: u.Reusable,
	}
}

// filling returns the occupancy of a space.
func filling(e *event.Event) string {
	u, ok := e.Fact.(*event.SpaceUse)
	if !ok {
		return ""
	}
	words := fmt.Sprintf("%s: %d of %d ports in use, %d live, %d TIME_WAIT, %d bound", u.State, u.InUse(), u.Capacity,
		u.Live, u.TimeWait, u.Bound)
	if u.Reusable > 0 {
		words += fmt.Sprintf(", %d reusable", u.Reusable)
	}
	return words
}
