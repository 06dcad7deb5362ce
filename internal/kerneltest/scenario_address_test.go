package kerneltest

import (
	"fmt"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/lab"
)

// Kinds of addresses.
var addressScenarios = []scenario{
	{"IPv6", withProcess, func(f *fixture) {
		f.dial(loopV6).finishAsOrphan()
	}},
	{"IPv6 over a link", overVeth, func(f *fixture) { f.dial(serverV6).finish() }},
	{"IPv6 reset", plain, func(f *fixture) {
		c := f.dial(loopV6)
		c.reset(c.peer)
		c.expectReset("remote", "local")
	}},
	{"IPv4-mapped", withProcess, func(f *fixture) {
		f.dial(loopMapped).finishAsOrphan("mapped")
	}},
	{"IPv4 to a server of both", plain, func(f *fixture) {
		listener := f.listener(netip.AddrPortFrom(netip.IPv6Unspecified(), 80))
		fd := f.tcp(loopV4)
		f.check("connecting", unix.Connect(fd, lab.Sockaddr(loopV4)))
		c := f.accepted(fd, loopV4, listener)
		c.closeInOrder(c.peer, c.fd)
		c.expectOut("open", "close remote close_wait")
		c.expectIn("close local time_wait mapped")
	}},
	{"link-local", overVeth | withProcess, func(f *fixture) {
		here := f.linkLocal(f.client, "fe80::1/64")
		there := f.linkLocal(f.server, "fe80::2/64")
		listener := f.listener(netip.AddrPortFrom(there, 80))
		to := netip.AddrPortFrom(there.WithZone(here.Zone()), 80)
		fd := f.tcp(to)
		f.check("connecting", unix.Connect(fd, lab.Sockaddr(to)))
		f.accepted(fd, to, listener).finishAsOrphan()
	}},
	{"bound to a device", withProcess, func(f *fixture) {
		fd := f.tcp(loopV4)
		f.check("SO_BINDTODEVICE", unix.BindToDevice(fd, "lo"))
		f.dialWith(fd, loopV4).finishAsOrphan()
	}},
	{"no IPv6", plain, func(f *fixture) {
		f.sysctl("ipv6/conf/all/disable_ipv6", "1")
		fd := f.tcp(loopV6)
		f.failsWith("connecting", unix.Connect(fd, lab.Sockaddr(loopV6)), unix.EADDRNOTAVAIL)
		f.expect(f.client, "connect_fail EADDRNOTAVAIL no_ipv6", thisProcess("out"), between("-", loopV6))
	}},
}

// linkLocal adds an address to the link. The zone is the number of the device there.
func (f *fixture) linkLocal(n *lab.Netns, prefix string) netip.Addr {
	const device = "lab1"
	address := netip.MustParsePrefix(prefix)
	f.check("adding an address", n.AddAddr(device, address))
	zone := ""
	f.check("finding the device", n.Do(func() error {
		found, err := net.InterfaceByName(device)
		if err == nil {
			zone = fmt.Sprint(found.Index)
		}
		return err
	}))
	return address.Addr().WithZone(zone)
}
