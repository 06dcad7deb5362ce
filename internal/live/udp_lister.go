package live

import (
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/netns"
	"github.com/porttrace/porttrace/internal/portspace"
	"github.com/porttrace/porttrace/internal/probe"
	"github.com/porttrace/porttrace/internal/procinfo"
)

// iterUDP uses iterators in the kernel (BPF_TRACE_ITER, iter/udp and iter/task_file). Against
// sock_diag(7) they show IPV6_V6ONLY of every socket, need no module, and give owners at the
// price of one pass over all open files; without them it uses that.
type iterUDP struct {
	probe *probe.Probe
	diagUDP
}

func (x iterUDP) list(inode uint32, limit int) (list []udpSocket, err error) {
	err = x.netns.Inside(inode, func() error {
		return x.probe.EachUDPSocket(func(s probe.UDPSocket) {
			if len(list) < limit {
				list = append(list, udpSocket{portspace.UDPSocket{Local: s.Local, V6Only: s.V6Only}, s.Address})
			}
		})
	})
	if err != nil {
		return x.diagUDP.list(inode, limit)
	}
	return list, nil
}

// assignOwners finds owners by the addresses of the sockets in the kernel. A socket that was made
// between the two passes can have the address of one that has ended, but hardly its port.
func (x iterUDP) assignOwners(lists [][]udpSocket) map[event.ProcID]int {
	type place struct{ list, at int }
	byAddress := map[uint64]place{}
	for i, list := range lists {
		for j := range list {
			byAddress[list[j].id] = place{i, j}
		}
	}
	owners := map[event.ProcID]int{}
	err := x.probe.EachUDPHolder(func(h probe.UDPSocket) {
		owners[h.Proc]++
		where, listed := byAddress[h.Address]
		if !listed {
			return
		}
		s := &lists[where.list][where.at]
		if s.Local.Port == h.Local.Port && (!s.Proc.Known() || compareIDs(h.Proc, s.Proc) < 0) {
			s.Proc = h.Proc
		}
	})
	if err != nil {
		return x.diagUDP.assignOwners(lists)
	}
	return owners
}

// diagUDP uses what every user may: sock_diag(7) and /proc. Owners are known only of processes
// whose files this user may see.
type diagUDP struct{ netns *netns.Namespaces }

func (x diagUDP) inUse(inode uint32) (int, error) { return x.netns.UDPInUse(inode) }

func (x diagUDP) list(inode uint32, limit int) ([]udpSocket, error) {
	sockets, err := x.netns.UDPSockets(inode, limit)
	list := make([]udpSocket, len(sockets))
	for i, s := range sockets {
		list[i] = udpSocket{portspace.UDPSocket{Local: s.Local, V6Only: s.V6Only}, s.Inode}
	}
	return list, err
}

// assignOwners walks /proc, which takes long, so it is not done for the sum alone.
func (x diagUDP) assignOwners(lists [][]udpSocket) map[event.ProcID]int {
	byFile := map[uint64]*udpSocket{}
	for _, list := range lists {
		for i := range list {
			if list[i].id != 0 {
				byFile[list[i].id] = &list[i]
			}
		}
	}
	if len(byFile) == 0 {
		return nil
	}
	holders, err := procinfo.SocketHolders(byFile)
	if err != nil {
		return nil
	}
	owners := map[event.ProcID]int{}
	for file, holder := range holders {
		byFile[file].Proc = holder
		owners[holder]++
	}
	return owners
}
