package live

import "github.com/porttrace/porttrace/internal/event"

// failing has what has failed in the last minute, bounded: the processes, and the addresses at
// which UDP sockets found no port.
type failing struct {
	processes map[event.ProcID]event.Time
	udp       map[udpAddr]event.Time
}

// udpAddr is a port space of UDP.
type udpAddr struct {
	netns uint32
	addr  event.Addr
}

func newFailing() failing {
	return failing{processes: map[event.ProcID]event.Time{}, udp: map[udpAddr]event.Time{}}
}

// observe takes the events of a batch.
func (f *failing) observe(events []event.Event) {
	for i := range events {
		e := &events[i]
		if e.Kind != event.ConnectFail && e.Kind != event.BindFail {
			continue
		}
		if e.Proc.Known() && !e.Flags.Has(event.NotSelected) {
			note(f.processes, e.Proc, e.Time)
		}
		if e.Kind == event.BindFail && e.Proto == event.UDP && e.Reason == event.RangeExhausted {
			note(f.udp, udpAddr{e.Netns, e.Src.Addr}, e.Time)
		}
	}
}

func note[K comparable](in map[K]event.Time, key K, at event.Time) {
	if _, known := in[key]; known || len(in) < maxFailing {
		in[key] = max(in[key], at)
	}
}

// failedNow is what has failed in the last minute.
type failedNow struct {
	processes []event.ProcID
	udp       []udpAddr
}

// now forgets what is older.
func (f *failing) now(now event.Time) failedNow {
	return failedNow{recently(f.processes, now), recently(f.udp, now)}
}

// recently returns those of the last minute, and forgets the others.
func recently[K comparable](in map[K]event.Time, now event.Time) []K {
	var list []K
	for key, at := range in {
		if now.Sub(at) > failedRecently {
			delete(in, key)
			continue
		}
		list = append(list, key)
	}
	return list
}
