package whatif

import "time"

// Arrival is one connection of a load that is known one by one.
type Arrival struct {
	At           time.Duration // when it is opened, from the beginning of the load
	Lifetime     time.Duration // if it finds a port
	Source       int           // its local address, below System.Sources
	Destination  int           // its remote end
	Early        bool          // bind() chooses the port
	ServerCloses bool          // it leaves no TIME_WAIT here
}

// SimulateArrivals runs those connections against the system. They must be in the order of At. It
// is for comparisons with the kernel, which are made with the very same calls (internal/kerneltest).
func SimulateArrivals(system System, destinations int, arrivals []Arrival) Result {
	system, destinations = system.normal(), max(destinations, 1)
	early := 0
	for i := range arrivals {
		if arrivals[i].Early {
			early++
		}
	}
	e := newEngine(system, early > 0 && early < len(arrivals))
	for range system.Sources {
		local := e.ports.addLocal()
		for range destinations {
			e.ports.addSpace(local)
		}
	}
	var agenda agenda
	for i := range arrivals {
		a := &arrivals[i]
		agenda.endUntil(e, int64(a.At))
		e.advance(int64(a.At))
		c, ok := e.open(int32(a.Source*destinations+a.Destination), a.Early, true)
		if !ok {
			continue
		}
		what := requestEnd
		if a.ServerCloses {
			what = vanished
		}
		agenda.push(occurrence{at: int64(a.At + a.Lifetime), what: what, conn: c})
	}
	r := e.result()
	r.Spaces = system.Sources * destinations
	return r
}

// endUntil ends the connections whose time has come.
func (a *agenda) endUntil(e *engine, to int64) {
	for len(*a) > 0 && (*a)[0].at <= to {
		o := a.pop()
		e.advance(o.at)
		if o.what == vanished {
			e.abort(o.conn)
		} else {
			e.closeActively(o.conn)
		}
	}
}
