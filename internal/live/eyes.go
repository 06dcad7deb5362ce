package live

import (
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/netns"
	"github.com/porttrace/porttrace/internal/probe"
	"github.com/porttrace/porttrace/internal/procinfo"
)

// eyes see all sockets of namespaces.
type eyes interface {
	look(inodes []uint32) []looked
}

// exactEyes see by iterators in the kernel.
type exactEyes struct {
	probe  *probe.Probe
	spaces *netns.Namespaces
}

func (x exactEyes) look(inodes []uint32) []looked {
	holders, err := x.probe.Holders()
	if err != nil {
		return plainEyes{x.spaces}.look(inodes)
	}
	var all []looked
	for _, inode := range inodes {
		began := monotonic()
		one := looked{netns: inode, bound: true}
		err := x.spaces.Inside(inode, func() (err error) {
			one.sockets, err = x.probe.Sockets(nil, holders)
			return err
		})
		if err != nil {
			continue // it has gone, or may not be entered
		}
		one.sockets = direct(holders.Bound(one.sockets, inode))
		one.took = monotonic().Sub(began)
		all = append(all, one)
	}
	return all
}

// plainEyes see what everybody may: sock_diag(7) and /proc/PID/net. Which ports a bind()
// owns is inferred there, and of owners only those processes are known whose files this
// user may see.
type plainEyes struct{ spaces *netns.Namespaces }

func (x plainEyes) look(inodes []uint32) []looked {
	var all []looked
	for _, inode := range inodes {
		began := monotonic()
		sockets, files, err := x.spaces.Sockets(inode, nil)
		if err != nil {
			continue
		}
		own(sockets, files)
		all = append(all, looked{netns: inode, sockets: direct(sockets), took: monotonic().Sub(began)})
	}
	return all
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
