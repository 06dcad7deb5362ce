package netns

import (
	"encoding/binary"
	"errors"
	"io"
	"io/fs"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/event"
)

// UDPSocket is a UDP socket that has a port.
type UDPSocket struct {
	Local event.Endpoint
	// V6Only is inferred: bind() to an IPv6 address sets it (__inet6_bind, net/ipv6/af_inet6.c).
	// Of a socket at ::, and of one that is connected, it is not seen.
	V6Only bool
	Inode  uint64 // of the file, by which procinfo.SocketHolders finds owners; 0: it has none
}

// UDPInUse returns how many UDP sockets with a port the namespace has: two files of some lines
// each, in place of a list of all.
func (n *Namespaces) UDPInUse(inode uint32) (count int, err error) {
	ns, err := n.find(inode)
	if err != nil {
		return 0, err
	}
	for name, protocol := range map[string]string{"sockstat": "UDP:", "sockstat6": "UDP6:"} {
		err := ns.read(name, func(r io.Reader) error {
			one, err := parseInUse(r, protocol)
			count += one
			return err
		})
		if err != nil && (name == "sockstat" || !errors.Is(err, fs.ErrNotExist)) { // without IPv6 there is no sockstat6
			return 0, err
		}
	}
	return count, nil
}

// UDPSockets returns the UDP sockets of the namespace that have a port, at most limit of them: by
// sock_diag(7), or by /proc/PID/net/udp and udp6 if the namespace may not be entered or the
// kernel has no udp_diag. It is for hosts whose kernel has no iterators (probe.EachUDPSocket).
func (n *Namespaces) UDPSockets(inode uint32, limit int) (list []UDPSocket, err error) {
	add := func(s UDPSocket) {
		if s.Local.Port != 0 && len(list) < limit {
			list = append(list, s)
		}
	}
	if err = n.Inside(inode, func() error { return dumpUDP(add) }); err == nil {
		return list, nil
	}
	list = nil
	ns, unseen := n.find(inode)
	if unseen != nil || ns.readUDP(add) != nil {
		return nil, err
	}
	return list, nil
}

// udpUnconnected is the state of a UDP socket that is not connected, TCP_CLOSE.
const udpUnconnected = 7

// dumpUDP calls add with the sockets of this thread's namespace.
func dumpUDP(add func(UDPSocket)) error {
	fd, err := openDiag()
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	buf := make([]byte, 64<<10)
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		err := dump(fd, unix.IPPROTO_UDP, family, anyState, buf, func(a *diagAnswer) {
			s := UDPSocket{Local: event.Endpoint{Addr: a.id.src, Port: binary.BigEndian.Uint16(a.id.sport[:])}, Inode: uint64(a.inode)}
			if a.family == unix.AF_INET { // it comes in the first four bytes
				s.Local.Addr = mapped([4]byte(a.id.src[:]))
			}
			s.V6Only = boundToV6(s.Local.Addr, a.state)
			add(s)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// readUDP does the same by the files of a process in the namespace.
func (ns *namespace) readUDP(add func(UDPSocket)) error {
	for _, name := range []string{"udp", "udp6"} {
		err := ns.read(name, func(r io.Reader) error {
			return parseSockets(r, func(s *socketLine) {
				add(UDPSocket{Local: s.local, V6Only: boundToV6(s.local.Addr, s.state), Inode: s.inode})
			})
		})
		if err != nil && (name == "udp" || !errors.Is(err, fs.ErrNotExist)) { // without IPv6 there is no udp6
			return err
		}
	}
	return nil
}

func boundToV6(addr event.Addr, state uint8) bool {
	return state == udpUnconnected && !addr.Is4() && addr != (event.Addr{})
}
