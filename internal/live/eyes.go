package live

import (
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/netns"
	"github.com/porttrace/porttrace/internal/portspace"
	"github.com/porttrace/porttrace/internal/probe"
	"github.com/porttrace/porttrace/internal/procinfo"
)

// eyes see all sockets of namespaces.
type eyes interface {
	// look also tells what it has cost of a processor's time.
	look(places []place) ([]looked, time.Duration)
}

// place is a namespace to look at.
type place struct {
	inode   uint32
	ports   event.PortRange // that it hands out
	sockets []event.Event   // room for what is found
}

// exactEyes see by iterators in the kernel.
type exactEyes struct {
	probe  *probe.Probe
	spaces *netns.Namespaces
}

func (x exactEyes) look(places []place) (all []looked, cost time.Duration) {
	var holders *probe.Holders
	var err error
	cost = onCPU(func() { holders, err = x.probe.Holders() })
	if err != nil {
		return plainEyes{x.spaces}.look(places)
	}
	left := portspace.Limit
	for _, at := range places {
		began := monotonic()
		one := looked{netns: at.inode, bound: true, ports: at.ports}
		err := x.spaces.Inside(at.inode, func() (err error) {
			cost += onCPU(func() { one.sockets, err = x.probe.Sockets(at.sockets, left, at.ports, holders) })
			return err
		})
		if err != nil {
			continue // it has gone, or may not be entered
		}
		left -= len(one.sockets)
		one.part = left <= 0
		one.sockets = direct(holders.Bound(one.sockets, at.inode))
		one.took = monotonic().Sub(began)
		all = append(all, one)
	}
	return all, cost
}

// plainEyes see what everybody may: sock_diag(7) and /proc/PID/net. Which ports a bind()
// owns is inferred there, and of owners only those processes are known whose files this
// user may see.
type plainEyes struct{ spaces *netns.Namespaces }

func (x plainEyes) look(places []place) (all []looked, cost time.Duration) {
	left := portspace.Limit
	for _, at := range places {
		began := monotonic()
		one := looked{netns: at.inode}
		var err error
		cost += onCPU(func() { one.sockets, err = x.see(at, left) })
		if err != nil {
			continue
		}
		left -= len(one.sockets)
		one.part = left <= 0
		one.took = monotonic().Sub(began)
		all = append(all, one)
	}
	return all, cost
}

func (x plainEyes) see(at place, limit int) ([]event.Event, error) {
	sockets, files, err := x.spaces.Sockets(at.inode, at.sockets, limit)
	if err != nil {
		return nil, err
	}
	own(sockets, files)
	return direct(sockets), nil
}

// own finds the owners of sockets by the inodes of their files.
func own(sockets []event.Event, files []uint64) {
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

// direct tells accepted connections by who listens on their port.
func direct(sockets []event.Event) []event.Event {
	listening := map[uint16]bool{}
	for i := range sockets {
		if sockets[i].State == event.StateListen {
			listening[sockets[i].Src.Port] = true
		}
	}
	for i := range sockets {
		e := &sockets[i]
		if e.Direction == event.Unknown && e.Dst.Known() && listening[e.Src.Port] {
			e.Direction = event.In
		}
	}
	return sockets
}
