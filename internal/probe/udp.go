package probe

import (
	"fmt"

	"github.com/porttrace/porttrace/internal/event"
)

// UDPSocket is a UDP socket that has a port.
type UDPSocket struct {
	Address uint64 // of the struct sock: identifies it for as long as it is there
	Netns   uint32
	Local   event.Endpoint
	V6Only  bool         // IPV6_V6ONLY: it does not conflict with sockets of IPv4
	Proc    event.ProcID // of EachUDPHolder
}

// EachUDPSocket calls f for every UDP socket of the namespace of the calling thread, without
// its owner. It returns ErrNoCensus if the iterators cannot be used.
func (p *Probe) EachUDPSocket(f func(UDPSocket)) error {
	if err := each(p, udpSocketsIter, func(s *bpfCensusHolder) { f(udpSocket(s)) }); err != nil {
		return fmt.Errorf("scanning UDP sockets: %w", err)
	}
	return nil
}

// EachUDPHolder calls f for every UDP socket, in any namespace, that a process holds by a file:
// once for each of its files. It scans all files of all visible processes.
func (p *Probe) EachUDPHolder(f func(UDPSocket)) error {
	if err := each(p, udpHoldersIter, func(s *bpfCensusHolder) { f(udpSocket(s)) }); err != nil {
		return fmt.Errorf("reading the holders of UDP sockets: %w", err)
	}
	return nil
}

func udpSocket(s *bpfCensusHolder) UDPSocket {
	one := UDPSocket{
		Address: s.Sk, Netns: s.Netns, V6Only: s.V6only != 0, Local: event.Endpoint{Addr: s.Saddr, Port: s.Sport},
	}
	if s.Pid != 0 {
		one.Proc = owner(s.Pid, s.Start)
	}
	return one
}
