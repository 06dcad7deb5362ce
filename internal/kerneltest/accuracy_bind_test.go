package kerneltest

import (
	"errors"
	"fmt"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/lab"
)

// unusualBinds makes binds that fail for reasons that the state of ports and addresses does not
// show. The last two of the list cannot be inferred.
func (l *load) unusualBinds() {
	for _, c := range []struct {
		name  string
		times int
		bind  func() (asked netip.AddrPort, err error)
		errno unix.Errno
	}{
		{"bound twice", fewer(20, 5), l.bindTwice, unix.EINVAL},
		{"port of root", fewer(20, 5), bindPortOfRoot, unix.EACCES},
		{"link-local without a device", fewer(8, 2), bindLinkLocal, unix.EINVAL},
		{"IPv4 on an IPv6-only socket", fewer(8, 2), bindOnlyV6, unix.EINVAL},
	} {
		for range c.times {
			err := l.client.Do(func() error { // on a thread of its own, which can give privileges up
				asked, err := c.bind()
				if !errors.Is(err, c.errno) {
					return fmt.Errorf("%s: %w", c.name, err)
				}
				l.want.add("bind_errno", os.Getpid(), event.Errno(c.errno), event.OtherReason, endpoint(asked))
				return nil
			})
			noError(l.t, err)
		}
	}
}

func (l *load) bindTwice() (netip.AddrPort, error) {
	loop := netip.MustParseAddrPort("127.0.0.1:0")
	fd, err := socketAt(loop)
	defer unix.Close(fd)
	if err != nil {
		return loop, err
	}
	bound := lab.LocalAddr(fd)
	l.want.add("bind", os.Getpid(), endpoint(bound))
	asked := at(loop, bound.Port()+1)
	return asked, unix.Bind(fd, lab.Sockaddr(asked))
}

func bindPortOfRoot() (netip.AddrPort, error) {
	asked := netip.MustParseAddrPort("127.0.0.1:79")
	if err := dropCapability(unix.CAP_NET_BIND_SERVICE); err != nil {
		return asked, err
	}
	fd, err := socketAt(asked)
	return asked, errors.Join(err, unix.Close(fd))
}

// dropCapability takes a capability from this thread.
func dropCapability(capability uint) error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return err
	}
	data[capability/32].Effective &^= 1 << (capability % 32)
	return unix.Capset(&header, &data[0])
}

func bindLinkLocal() (netip.AddrPort, error) {
	return bindV6(netip.MustParseAddrPort("[fe80::1]:8082"), 0)
}

func bindOnlyV6() (netip.AddrPort, error) {
	return bindV6(netip.MustParseAddrPort("[::ffff:127.0.0.1]:8083"), 1)
}

func bindV6(asked netip.AddrPort, only int) (netip.AddrPort, error) {
	fd, err := newSocket(asked.Addr())
	if err != nil {
		return asked, err
	}
	defer unix.Close(fd)
	err = unix.SetsockoptInt(fd, unix.SOL_IPV6, unix.IPV6_V6ONLY, only)
	return asked, errors.Join(err, unix.Bind(fd, lab.Sockaddr(asked)))
}
