package live

import (
	"sync/atomic"
	"time"

	"github.com/porttrace/porttrace/internal/bounds"
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/linux"
	"github.com/porttrace/porttrace/internal/netns"
	"github.com/porttrace/porttrace/internal/portspace"
	"github.com/porttrace/porttrace/internal/probe"
	"github.com/porttrace/porttrace/internal/procinfo"
)

// scanner lists all sockets of namespaces, and returns what that has cost in processor time.
// It must end soon after stopped is set.
type scanner interface {
	scan(targets []target, stopped *atomic.Bool) ([]event.NetnsScan, time.Duration)
}

// iterScanner uses iterators in the kernel (BPF_TRACE_ITER, iter/tcp).
type iterScanner struct {
	probe *probe.Probe
	netns *netns.Namespaces
	// selected reports whether --pid selects the process, nil: it selects all.
	selected func(event.ProcID) bool
	held     *probe.Holders // of the last scan
}

// owners returns how many sockets each process has, whatever their ports, nil if that is not
// known. It may be called once after a scan.
func (x *iterScanner) owners() map[event.ProcID]int {
	held := x.held
	x.held = nil
	if held == nil {
		return nil
	}
	return held.Owners()
}

func (x *iterScanner) scan(targets []target, stopped *atomic.Bool) (all []event.NetnsScan, cost time.Duration) {
	var holders *probe.Holders
	var err error
	cost = linux.CPUTime(func() { holders, err = x.probe.Holders() })
	if err != nil {
		return diagScanner{x.netns}.scan(targets, stopped)
	}
	x.held = holders
	all = scanEach(targets, stopped, func(at target, one *event.NetnsScan, limit int) error {
		one.Census.Bound = true
		err := x.netns.Inside(at.inode, func() (err error) {
			for _, one.Ports = range at.confinements() {
				one.Sockets.Truncate(0)
				cost += linux.CPUTime(func() { one.LeftOut, err = x.probe.Sockets(&one.Sockets, limit, one.Ports, holders) })
				if one.Truncated = one.Sockets.Len() >= limit; err != nil || !one.Truncated {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		holders.Bound(&one.Sockets, at.inode)
		return nil
	})
	for i := range all {
		markSelected(&all[i], x.selected)
	}
	return all, cost
}

// diagScanner uses what every user may: sock_diag(7) and /proc/PID/net. Which ports a bind()
// owns is inferred, and owners are known only of processes whose files this user may see.
type diagScanner struct{ netns *netns.Namespaces }

func (x diagScanner) scan(targets []target, stopped *atomic.Bool) (all []event.NetnsScan, cost time.Duration) {
	return scanEach(targets, stopped, func(at target, one *event.NetnsScan, limit int) (err error) {
		cost += linux.CPUTime(func() {
			var found []event.FoundSocket
			var files []uint64
			if found, files, err = x.netns.Sockets(at.inode, nil, limit); err == nil {
				assignOwners(found, files)
			}
			one.Sockets = event.FoundOf(found...)
		})
		one.Truncated = one.Sockets.Len() >= limit
		return err
	}), cost
}

// scanEach calls scan for every namespace, which fills in what it finds, at most limit
// sockets. A namespace that is gone, or may not be entered, is left out.
func scanEach(targets []target, stopped *atomic.Bool, scan func(at target, one *event.NetnsScan, limit int) error) []event.NetnsScan {
	var all []event.NetnsScan
	left := bounds.OfProcess().Of(portspace.Limit)
	for _, at := range targets {
		began := monotonic()
		one := event.NetnsScan{Census: event.Census{Netns: at.inode, Began: began}}
		if stopped.Load() || scan(at, &one, left) != nil {
			continue
		}
		left -= one.Sockets.Len()
		one.Listeners = inferDirections(&one.Sockets, at.ports)
		one.Census.Wide = !one.Ports.Known() && !one.Truncated
		one.Census.Sockets, one.Census.Took = uint64(one.Sockets.Len()), uint64(monotonic().Sub(began))
		all = append(all, one)
	}
	return all
}

// assignOwners finds the owners of sockets by the inodes of their files.
func assignOwners(sockets []event.FoundSocket, files []uint64) {
	byFile := make(map[uint64]int, len(files))
	for i, file := range files {
		if file != 0 {
			byFile[file] = i
		}
	}
	holders, err := procinfo.SocketHolders(byFile)
	if err != nil {
		return
	}
	for file, holder := range holders {
		sockets[byFile[file]].Proc = holder
	}
}

// inferDirections infers the directions of connections whose port a bind() owns: accepted if a
// process listens on the port, else outgoing if the port is one of the port range. A server
// that has closed its listener and keeps what it accepted mostly had a port outside. It returns
// the listeners by port.
func inferDirections(sockets *event.FoundList, ports event.PortRange) map[uint16]event.ProcID {
	listening := map[uint16]event.ProcID{}
	for _, e := range sockets.All() {
		if e.State == event.StateListen {
			listening[e.Src.Port] = e.Proc
		}
	}
	for i, e := range sockets.All() {
		if e.Direction != event.Unknown || !e.Dst.Known() {
			continue
		}
		if _, is := listening[e.Src.Port]; is {
			e.Direction = event.In
		} else if ports.Known() && ports.Holds(e.Src.Port) {
			e.Direction = event.Out
		}
		sockets.Set(i, &e)
	}
	return listening
}

// markSelected marks the sockets of processes that are not selected, as the kernel side
// does with events.
func markSelected(scan *event.NetnsScan, selected func(event.ProcID) bool) {
	if selected == nil {
		return
	}
	known := map[event.ProcID]bool{} // one look-up for each process
	for i, e := range scan.Sockets.All() {
		owner := e.Proc
		if !owner.Known() && e.Direction == event.In {
			owner = scan.Listeners[e.Src.Port]
		}
		is, done := known[owner]
		if !done {
			is = selected(owner)
			known[owner] = is
		}
		if !is {
			e.Flags |= event.NotSelected
			scan.Sockets.Set(i, &e)
		}
	}
}
