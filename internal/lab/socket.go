package lab

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"

	"golang.org/x/sys/unix"
)

// Socket has the options of a job's sockets, set before it connects or listens.
type Socket struct {
	Bind      netip.AddrPort // bind(2) to this first; port 0 lets the kernel choose
	NoPort    bool           // IP_BIND_ADDRESS_NO_PORT: the port is chosen by connect(2)
	ReuseAddr bool           // SO_REUSEADDR
	ReusePort bool           // SO_REUSEPORT
	Linger0   bool           // SO_LINGER 0: close resets, and leaves no TIME_WAIT
	Nonblock  bool           // SOCK_NONBLOCK
	SynCount  int            // TCP_SYNCNT, if not 0: how many SYNs are sent again
	UDP       bool           // a UDP socket, not a TCP one
	Device    string         // SO_BINDTODEVICE: a device, or the VRF
}

// open makes a socket with all options set, and not yet bound.
func (s Socket) open(v6 bool) (int, error) {
	domain, typ := unix.AF_INET, unix.SOCK_STREAM
	if v6 {
		domain = unix.AF_INET6
	}
	if s.UDP {
		typ = unix.SOCK_DGRAM
	}
	typ |= unix.SOCK_CLOEXEC
	if s.Nonblock {
		typ |= unix.SOCK_NONBLOCK
	}
	fd, err := unix.Socket(domain, typ, 0)
	if err != nil {
		return -1, fmt.Errorf("making a socket: %w", err)
	}
	if err := s.setOptions(fd); err != nil {
		return -1, errors.Join(fmt.Errorf("setting socket options: %w", err), unix.Close(fd))
	}
	return fd, nil
}

func (s Socket) setOptions(fd int) error {
	options := []struct {
		on                bool
		level, opt, value int
	}{
		{s.NoPort, unix.SOL_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1},
		{s.ReuseAddr, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1},
		{s.ReusePort, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1},
		{s.SynCount != 0, unix.SOL_TCP, unix.TCP_SYNCNT, s.SynCount},
	}
	for _, o := range options {
		if !o.on {
			continue
		}
		if err := unix.SetsockoptInt(fd, o.level, o.opt, o.value); err != nil {
			return err
		}
	}
	if s.Device != "" {
		if err := unix.BindToDevice(fd, s.Device); err != nil {
			return err
		}
	}
	if s.Linger0 {
		return unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	}
	return nil
}

// bind binds a socket if the job asks for it.
func (s Socket) bind(fd int) error {
	if !s.Bind.IsValid() {
		return nil
	}
	return unix.Bind(fd, Sockaddr(s.Bind))
}

// Sockaddr returns an address as system calls take it. The zone of an IPv6 address
// is the number of a device.
func Sockaddr(ap netip.AddrPort) unix.Sockaddr {
	if ap.Addr().Is4() {
		return &unix.SockaddrInet4{Port: int(ap.Port()), Addr: ap.Addr().As4()}
	}
	zone, _ := strconv.ParseUint(ap.Addr().Zone(), 10, 32) // 0: none
	return &unix.SockaddrInet6{Port: int(ap.Port()), Addr: ap.Addr().As16(), ZoneId: uint32(zone)}
}

// LocalAddr returns the address of getsockname(2) without a zone; the zero value on failure.
func LocalAddr(fd int) netip.AddrPort {
	sa, err := unix.Getsockname(fd)
	if err != nil {
		return netip.AddrPort{}
	}
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port))
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(sa.Addr), uint16(sa.Port))
	}
	return netip.AddrPort{}
}

// errnoName returns the name of an error number: "EADDRNOTAVAIL".
func errnoName(err error) string {
	var errno unix.Errno
	if errors.As(err, &errno) {
		return unix.ErrnoName(errno)
	}
	return err.Error()
}
