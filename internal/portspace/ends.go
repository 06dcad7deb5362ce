package portspace

import (
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// slots is enough for every second in which a bucket that lives now can end: a FIN_WAIT2
// one that becomes a TIME_WAIT lives longest.
const slots = 128

// ends is where buckets end, in one slot for each second.
type ends struct {
	slots [slots][]end
	done  int64 // the last second whose slot was emptied
}

// end is small and without a pointer: there is one for every bucket.
type end struct {
	space uint32 // its number
	port  uint16
}

func second(t event.Time) int64 { return int64(t) / int64(time.Second) }

// add notes an end that is to come. One beyond the slots comes round again.
func (e *ends) add(x end, at event.Time) {
	slot := min(max(second(at), e.done+1), e.done+slots-1) % slots
	e.slots[slot] = append(e.slots[slot], x)
}

// until calls f for every place where a bucket may have ended by now, in the order of
// seconds. Whether it has, the socket there knows.
func (e *ends) until(now event.Time, f func(end)) {
	to := second(now)
	for at := max(e.done+1, to-slots+1); at <= to; at++ {
		list := e.slots[at%slots]
		e.slots[at%slots] = list[:0] // what is put off goes to another slot
		e.done = at
		for _, x := range list {
			f(x)
		}
	}
	e.done = max(e.done, to)
}
