package kerneltest

import (
	"fmt"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/lab"
)

// What addresses look like.
var addressLives = []life{
	{"IPv6", inhabited, func(w *world) {
		w.dial(loopV6).promote()
	}},
	{"IPv6 over a link", linked, func(w *world) { w.dial(serverV6).finish() }},
	{"IPv6 reset", alone, func(w *world) {
		c := w.dial(loopV6)
		c.reset(c.peer)
		c.tells("open", "close reset remote")
		c.peerTells("close reset local")
	}},
	{"IPv4-mapped", inhabited, func(w *world) {
		w.dial(loopMapped).promote("mapped")
	}},
	{"IPv4 to a server of both", alone, func(w *world) {
		listener := w.listener(netip.AddrPortFrom(netip.IPv6Unspecified(), 80))
		fd := w.tcp(loopV4)
		w.check("connecting", unix.Connect(fd, lab.Sockaddr(loopV4)))
		c := w.connected(fd, loopV4, listener)
		c.release(c.peer, c.fd)
		c.tells("open", "close remote close_wait")
		c.peerTells("close local time_wait mapped")
	}},
	{"link-local", linked | inhabited, func(w *world) {
		here := w.linkLocal(w.client, "fe80::1/64")
		there := w.linkLocal(w.server, "fe80::2/64")
		listener := w.listener(netip.AddrPortFrom(there, 80))
		to := netip.AddrPortFrom(there.WithZone(here.Zone()), 80)
		fd := w.tcp(to)
		w.check("connecting", unix.Connect(fd, lab.Sockaddr(to)))
		w.connected(fd, to, listener).promote()
	}},
	{"bound to a device", inhabited, func(w *world) {
		fd := w.tcp(loopV4)
		w.check("SO_BINDTODEVICE", unix.BindToDevice(fd, "lo"))
		w.dialBy(fd, loopV4).promote()
	}},
	{"no IPv6", alone, func(w *world) {
		w.sysctl("ipv6/conf/all/disable_ipv6", "1")
		fd := w.tcp(loopV6)
		w.fails("connecting", unix.Connect(fd, lab.Sockaddr(loopV6)), unix.EADDRNOTAVAIL)
		w.want(w.client, "connect_fail EADDRNOTAVAIL no_ipv6", us("out"), between("-", loopV6))
	}},
}

// linkLocal adds an address to the link. The zone is the number of the device there.
func (w *world) linkLocal(n *lab.Netns, prefix string) netip.Addr {
	const device = "lab1"
	address := netip.MustParsePrefix(prefix)
	w.check("adding an address", n.AddAddr(device, address))
	zone := ""
	w.check("looking for the device", n.Do(func() error {
		found, err := net.InterfaceByName(device)
		if err == nil {
			zone = fmt.Sprint(found.Index)
		}
		return err
	}))
	return address.Addr().WithZone(zone)
}
