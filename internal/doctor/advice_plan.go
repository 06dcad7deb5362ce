package doctor

import (
	"slices"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// plan is the value of every knob of a namespace. All findings of the namespace have their
// advice from the same plan, which depends on the snapshot alone: no two contradict.
type plan struct {
	*snapshot.Namespace
	pairs   pairs
	uses    []usage      // of the spaces in question, by the range of the namespace
	atATime *concurrency // made when it is needed

	ports    event.PortRange // the range to set; zero: none, the present one does or none would
	usual    event.PortRange // the range to set if it is the range itself that is the trouble
	suffices bool            // the load fits into ports
	reserve  event.PortSet   // ports to reserve, with those that are
	// rangeReserves says that ports must be reserved as the range to set would cover them.
	rangeReserves bool
	leavesHost    bool   // connections to other hosts are among the load
	buckets       uint64 // tcp_max_tw_buckets to set; 0: none
}

// planner makes the plans of a snapshot, one for each namespace: a host in trouble has hundreds of
// findings in one.
type planner struct {
	snap   *snapshot.Snapshot
	pairs  pairs
	plans  map[uint32]*plan
	procs  map[event.ProcID]*snapshot.Process // once it is needed
	spaces map[pairEnd][]*snapshot.PortSpace  // by remote end; the same
}

// process returns the row of a process, nil if it is not known or has none.
func (pl *planner) process(id event.ProcID) *snapshot.Process {
	if pl.procs == nil {
		pl.procs = make(map[event.ProcID]*snapshot.Process, len(pl.snap.Processes))
		for i := range slices.Backward(pl.snap.Processes) {
			p := &pl.snap.Processes[i]
			pl.procs[p.Info.ID] = p
		}
	}
	if !id.Known() {
		return nil
	}
	return pl.procs[id]
}

// spacesTo returns the port spaces of a namespace with that remote end.
func (pl *planner) spacesTo(netns uint32, remote event.Endpoint) []*snapshot.PortSpace {
	if pl.spaces == nil {
		pl.spaces = make(map[pairEnd][]*snapshot.PortSpace, len(pl.snap.PortSpaces))
		for i := range pl.snap.PortSpaces {
			space := &pl.snap.PortSpaces[i]
			end := pairEnd{space.Netns, space.Remote}
			pl.spaces[end] = append(pl.spaces[end], space)
		}
	}
	return pl.spaces[pairEnd{netns, remote}]
}

func newPlanner(s *snapshot.Snapshot) *planner {
	return &planner{snap: s, plans: map[uint32]*plan{}}
}

// plan returns a plan that the caller may change.
func (pl *planner) plan(inode uint32) *plan {
	if pl.pairs == nil {
		pl.pairs = pairsOf(pl.snap)
	}
	if pl.plans[inode] == nil {
		pl.plans[inode] = planWith(pl.snap, inode, pl.pairs)
	}
	own := *pl.plans[inode]
	return &own
}

// planWith returns the plan of a namespace, by who connects to what.
func planWith(s *snapshot.Snapshot, inode uint32, all pairs) *plan {
	p := &plan{Namespace: s.Namespace(inode), pairs: all, atATime: &concurrency{}}
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
