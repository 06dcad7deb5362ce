package doctor

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
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

// plan is the value of every knob of a namespace. All findings of the namespace have their
// advice from the same plan, which depends on the snapshot alone: no two contradict.
type plan struct {
	*snapshot.Namespace
	pairs pairs
	uses  []usage // of the spaces in question, by the range of the namespace

	ports    event.PortRange // the range to set; zero: none, the present one does or none would
	usual    event.PortRange // the range to set if it is the range itself that is the trouble
	suffices bool            // the load fits into ports
	reserve  event.PortSet   // ports to reserve, with those that are
	// rangeReserves says that ports must be reserved as the range to set would cover them.
	rangeReserves bool
	leavesHost    bool   // connections to other hosts are among the load
	buckets       uint64 // tcp_max_tw_buckets to set; 0: none
}

// planOf returns the plan of a namespace. It is needed for one finding at a time, and so cheap.
func planOf(s *snapshot.Snapshot, inode uint32) *plan {
	p := &plan{Namespace: s.Namespace(inode), pairs: pairsOf(s)}
	if p.Namespace == nil {
		p.Namespace = &snapshot.Namespace{Inode: inode}
	}
	slow := false
	for i := range s.PortSpaces {
		space := &s.PortSpaces[i]
		if space.Netns != inode || space.NetnsGone || space.PerSocketRange || !p.matters(space) {
			continue
		}
		p.uses = append(p.uses, p.usageOf(s, space))
		p.leavesHost = p.leavesHost || !isLoopback(space.Remote)
		slow = slow || isSlow(space)
	}
	p.reserve = event.ParsePortSet(p.Reserved).With(p.wantedPorts(s)...).With(p.servicePorts(s)...)
	p.solveRange(slow)
	p.solveUsualRange()
	p.buckets = p.solveBuckets(s.Elapsed)
	return p
}

// matters reports whether a space can decide what range is needed.
func (p *plan) matters(space *snapshot.PortSpace) bool {
	const share = 10 // one tenth
	return space.Exhausted > 0 || space.InUse()*share > space.Capacity || space.Peak*share > space.Capacity
}

// isSlow reports whether connect() searches long: it takes ports of the second parity.
func isSlow(space *snapshot.PortSpace) bool {
	return space.SecondParity > secondParity && space.SearchP99 >= slowSearch
}

// usageOf returns how the ports of a space of the namespace are taken.
func (p *plan) usageOf(s *snapshot.Snapshot, space *snapshot.PortSpace) usage {
	return usageOf(space, p.pairs, p.endsOf(s, space), p.reuses(space))
}

// reuses reports whether tcp_tw_reuse gives ports of the space again.
func (p *plan) reuses(space *snapshot.PortSpace) bool {
	if space.Kind != snapshot.ConnectSpace || space.Unstamped*2 > space.TimeWait && space.TimeWait > 0 {
		return false
	}
	on := p.Reuse == 1 || p.Reuse == 2 && isLoopback(space.Remote)
	return on && (!p.Timestamps.Known() || p.Timestamps.Value() != 0)
}

func isLoopback(e event.Endpoint) bool { return e.Addr.IP().IsLoopback() }

// endsOf returns the remote ends towards which the holders of a bind space connect.
func (p *plan) endsOf(s *snapshot.Snapshot, space *snapshot.PortSpace) []event.Endpoint {
	if space.Kind != snapshot.BindSpace {
		return nil
	}
	holds := map[event.ProcID]bool{}
	for i := range space.Holders {
		if id := space.Holders[i].Proc.ID; id.Known() {
			holds[id] = true
		}
	}
	var ends []event.Endpoint
	for i := range s.Pairs {
		if pair := &s.Pairs[i]; pair.Netns == space.Netns && !pair.NetnsGone && holds[pair.Proc] && !slices.Contains(ends, pair.Remote) {
			ends = append(ends, pair.Remote)
		}
	}
	return ends
}

// wantedPorts are ports of the range that a program wants to listen at, and that an outgoing
// connection had. A program that tries port after port wants none of them in particular.
func (p *plan) wantedPorts(s *snapshot.Snapshot) (ports []event.PortRange) {
	wanted := map[string]event.PortSet{}
	for i := range s.Failures {
		f := &s.Failures[i]
		if f.Netns == p.Inode && !f.NetnsGone && f.Reason == event.PortTaken && p.Ports.Holds(f.Target.Port) && heldByConnection(f) {
			program := programOf(&f.Proc)
			wanted[program] = wanted[program].With(event.OnePort(f.Target.Port))
		}
	}
	for _, set := range wanted {
		if set.Within(p.Ports) < probes {
			ports = append(ports, set...)
		}
	}
	return ports
}

// mostServices is up to how many listeners of the range are taken for services: a program can
// listen at any number of ports that it got by chance.
const mostServices = 64

// servicePorts are the ports of the range at which programs listen, and the NodePorts that it
// covers on a node of Kubernetes.
func (p *plan) servicePorts(s *snapshot.Snapshot) (ports []event.PortRange) {
	if len(p.Listeners) <= mostServices {
		for i := range p.Listeners {
			if port := p.Listeners[i].Local.Port; p.Ports.Holds(port) {
				ports = append(ports, event.OnePort(port))
			}
		}
	}
	if p.Ports.Known() && overlap(p.Ports, nodePorts) && runsKubernetes(s) {
		ports = append(ports, nodePorts)
	}
	return ports
}

// heldByConnection reports whether a connection of another program has the port that a bind()
// wanted. The connections that a service has accepted have its port, too: those do not count.
func heldByConnection(f *snapshot.Failure) bool {
	h := f.HeldBy
	if h == nil || !h.Remote.Known() || h.State == event.StateListen || h.State == event.StateBound {
		return false
	}
	return h.ToItself() || !h.Proc.Known() || h.Outgoing && h.Proc != f.Proc.ID || programOf(&h.Info) != programOf(&f.Proc)
}

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
