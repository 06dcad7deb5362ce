package doctor

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// What a range is chosen by.
const (
	// connect() takes every port of one parity before any of the other, and goes through all of
	// the first each time once they are in use (__inet_hash_connect,
	// net/ipv4/inet_hashtables.c): at most half in use keeps it fast.
	goodShare = 0.5
	// fairShare is from where on a port space is not ok (see event.Occupancy).
	fairShare = 0.7

	// usualBuckets is the least tcp_max_tw_buckets that is set.
	usualBuckets = 16384

	lowestPort  = 1024
	highestPort = 65535
	lowStep     = 1000
)

// solveRange finds the range for the measured load: the present one, else the default, else the
// least extension of it. slow says that at most half may be in use.
func (p *plan) solveRange(slow bool) {
	enough := fairShare
	if slow {
		enough = goodShare
	}
	if !p.Ports.Known() || len(p.uses) == 0 || p.fits(p.Ports, p.reserve, enough) {
		return
	}
	for _, share := range []float64{goodShare, fairShare} {
		for _, r := range p.candidates() {
			if reserve := p.reserveFor(r); p.fits(r, reserve, share) {
				p.setRange(r)
				p.suffices = true
				return
			}
		}
	}
	// No range suffices. One that was narrowed is still the wrong place to save.
	if reserve := p.reserveFor(defaultRange); 2*capacity(p.Ports, p.reserve) < capacity(defaultRange, reserve) {
		p.setRange(defaultRange)
	}
}

// setRange takes the range, and what must be reserved in it.
func (p *plan) setRange(r event.PortRange) {
	reserve := p.reserveFor(r)
	p.rangeReserves = reserve.String() != p.reserve.String()
	p.ports, p.reserve = r, reserve
}

// solveUsualRange finds the range to set in place of one that is odd in itself, whatever the load:
// narrower than the default, or with ends of one parity.
func (p *plan) solveUsualRange() {
	usual := event.PortRange{Low: p.Ports.Low, High: p.Ports.High - 1}
	switch {
	case p.ports.Known() || !p.Ports.Known():
		return
	case p.Ports.Size() < defaultRange.Size():
		usual = defaultRange
	case p.Ports.Size()%2 == 0:
		return
	}
	p.setRange(usual)
	p.ports, p.usual = event.PortRange{}, usual
}

// setUsualRange has the plan set that range.
func (p *plan) setUsualRange() {
	if p.usual.Known() {
		p.ports, p.suffices = p.usual, true
	}
}

// candidates are the ranges that can be set, least risk first. The kernel takes a range whose
// low end is neither above the high one nor below ip_unprivileged_port_start
// (ipv4_local_port_range, net/ipv4/sysctl_net_ipv4.c); ends of one parity waste a port, as
// __inet_hash_connect searches an even number of them.
func (p *plan) candidates() []event.PortRange {
	lowest := uint16(lowestPort)
	if start := p.UnprivilegedPort; start.Known() {
		lowest = uint16(min(max(uint64(start-1), lowestPort), highestPort-1))
		lowest += lowest % 2
	}
	ranges := []event.PortRange{defaultRange, {Low: defaultRange.Low, High: highestPort}}
	for low := int(nodePorts.Low); low > int(lowest); low -= lowStep {
		ranges = append(ranges, event.PortRange{Low: uint16(low), High: highestPort})
	}
	ranges = append(ranges, event.PortRange{Low: lowest, High: highestPort})
	present := capacity(p.Ports, p.reserve)
	return slices.DeleteFunc(ranges, func(r event.PortRange) bool {
		return r.Low < lowest || capacity(r, p.reserveFor(r)) <= present
	})
}

// reserveFor returns what must be reserved if the range is r: what is or must be already,
// listeners that the present range does not hold, and NodePorts.
func (p *plan) reserveFor(r event.PortRange) event.PortSet {
	var more []event.PortRange
	for _, listen := range p.ListenPorts {
		for port := int(listen.Low); port <= int(listen.High); port++ {
			if port := uint16(port); r.Holds(port) && !p.Ports.Holds(port) {
				more = append(more, event.OnePort(port))
			}
		}
	}
	if r.Low <= nodePorts.Low && nodePorts.High <= r.High {
		more = append(more, nodePorts)
	}
	return p.reserve.With(more...)
}

// capacity returns how many ports of a range are not reserved.
func capacity(r event.PortRange, reserve event.PortSet) int { return r.Size() - reserve.Within(r) }

// fits reports whether all of the load is within a share of the range.
func (p *plan) fits(r event.PortRange, reserve event.PortSet, share float64) bool {
	for i := range p.uses {
		if float64(p.uses[i].ports()+p.uses[i].bound) > share*float64(capacity(r, reserve)) {
			return false
		}
	}
	return true
}

// capacityAfter returns the ports of the range that the plan has.
func (p *plan) capacityAfter() int {
	if p.ports.Known() {
		return capacity(p.ports, p.reserve)
	}
	return capacity(p.Ports, p.reserve)
}

// addresses returns over how many local addresses, or remote ends, the load of a space must be
// spread so that at most half of each one's ports is in use.
func (p *plan) addresses(u *usage) int {
	free := goodShare*float64(p.capacityAfter()) - float64(u.bound)
	if free < 1 {
		return 0
	}
	return max(int(math.Ceil(float64(u.ports())/free)), 2)
}

// solveBuckets returns the tcp_max_tw_buckets that the namespace needs, 0 if none were refused.
func (p *plan) solveBuckets(elapsed time.Duration) uint64 {
	refuses := p.RefusedKnown && p.Refused > 0 && elapsed > 0
	if p.MaxTimeWait <= 0 || !refuses && p.MaxTimeWait >= tinyBuckets {
		return 0
	}
	length := cmp.Or(p.TimeWaitLength, usualTimeWait)
	need := float64(max(p.TimeWait, p.MaxTimeWait))
	if refuses {
		need += float64(p.Refused) / elapsed.Seconds() * length.Seconds() * wheelShare
	}
	return powerOfTwo(max(2*need, usualBuckets))
}

// powerOfTwo returns the least that is at least n.
func powerOfTwo(n float64) uint64 {
	power := uint64(1)
	for float64(power) < n && power < 1<<40 {
		power *= 2
	}
	return power
}

// poolSize returns how many connections a pool needs for some open at a time: as many, and three
// standard deviations more (they come by chance), to a round number.
func poolSize(open float64) int {
	n := int(math.Ceil(open + 3*math.Sqrt(open)))
	step := 4
	switch {
	case n > 512:
		step = 64
	case n > 32:
		step = 16
	}
	return max((n+step-1)/step*step, 4)
}
