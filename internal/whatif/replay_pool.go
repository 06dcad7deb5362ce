package whatif

import (
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// sharedPorts is the connections that compete for the same ports.
type sharedPorts struct {
	host    *host
	busiest *flow // of those that share the ports
	opens   uint64
	closes  closes
}

// closes are what the connections of a flow have left here when they ended.
type closes struct {
	all, timeWaits uint64
	untimed        uint64 // of timeWaits: without timestamps, so that connect() cannot reuse them
}

func (c *closes) add(other closes) {
	c.all += other.all
	c.timeWaits += other.timeWaits
	c.untimed += other.untimed
}

// sustainable returns the opens per second of the whole load that the port spaces can serve, if
// they are spread as recorded.
func (r *Replay) sustainable() float64 {
	system, load, times := r.BusiestPool()
	return Sustainable(system, load) * times
}

// BusiestPool returns a load like the one of the pool of ports that is the first to be full if the
// whole load grows, its system, and by how many times the whole load is more than that.
func (r *Replay) BusiestPool() (System, Load, float64) {
	var opens uint64
	pools := r.pools()
	for _, p := range pools {
		opens += p.opens
	}
	var system System
	load, times, least := r.load, 0.0, 0.0
	mean := r.load.meanLifetime() // once, as there may be many pools
	for _, p := range pools {
		if p.opens == 0 {
			continue
		}
		s, l := p.host.systemOf(p.busiest), r.loadOf(p)
		s.Sources = r.changes.Sources
		more := float64(opens) / float64(p.opens)
		only := l
		only.Lifetimes, only.Lifetime = nil, mean
		rate := Sustainable(s, only) * more // 0: without a limit
		if times == 0 || rate > 0 && (least == 0 || rate < least) {
			system, load, times, least = s, l, more, rate
		}
	}
	return system, load, times
}

// pools returns the pools of ports, in the order in which they were first used.
func (r *Replay) pools() []*sharedPorts {
	var pools []*sharedPorts
	known := map[any]*sharedPorts{}
	for _, h := range r.order {
		for _, f := range h.flows {
			key := r.poolOf(h, f)
			p := known[key]
			if p == nil {
				p = &sharedPorts{host: h, busiest: f}
				known[key], pools = p, append(pools, p)
			}
			if f.opens > p.busiest.opens {
				p.busiest = f
			}
			p.opens += f.opens
			p.closes.add(f.closes)
		}
	}
	return pools
}

// poolOf identifies the ports that the connections of a flow compete for.
func (r *Replay) poolOf(h *host, f *flow) any {
	switch {
	case h.config.System.Scope == PerHost:
		return h
	case h.config.System.Scope == PerLocal || r.changes.Early == EarlyBind:
		return localOf{h, f.local}
	}
	return f
}

// localOf is a local address: other network namespaces may have the same one.
type localOf struct {
	host  *host
	local event.Addr
}

// loadOf returns a load like the one of a pool.
func (r *Replay) loadOf(p *sharedPorts) Load {
	load := r.load
	load.Requests, load.Destinations = r.changes.Requests, r.changes.Destinations
	if c := p.closes; c.all > 0 {
		load.ServerCloses = 1 - float64(c.timeWaits)/float64(c.all)
	}
	switch r.changes.Early {
	case LateBind:
		load.EarlyBind = 0
	case EarlyBind:
		load.EarlyBind = 1
	}
	return load
}

// reuses reports whether connect() may take a port in TIME_WAIT again that a connection of the
// flow has left. tcp_tw_reuse 2, the default, is for loopback addresses only.
func (h *host) reuses(f *flow) bool {
	return h.config.Reuse == 1 || h.config.Reuse == 2 && f.loopback
}

// systemOf returns the system as it is for a flow in the mean. A TIME_WAIT without timestamps is
// never reused, so those lengthen the time after which one is.
func (h *host) systemOf(f *flow) System {
	s := h.engine.sys
	s.Reuse = s.Reuse && h.reuses(f)
	if c := f.closes; s.Reuse && c.untimed > 0 {
		share := float64(c.untimed) / float64(c.timeWaits)
		s.ReuseDelay += time.Duration(share * float64(s.TimeWait-s.ReuseDelay))
	}
	return s
}
