package kerneltest

import (
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/lab"
)

// How connections begin, or do not.
var connectScenarios = []scenario{
	{"refused", plain, func(f *fixture) {
		fd := f.tcp(loopV4)
		f.expectRefused(fd, loopV4)
		f.close(fd)
	}},
	{"refused when not blocking", plain, func(f *fixture) {
		fd := f.startConnect(loopV4)
		f.await(fd, unix.POLLOUT)
		f.failsWith("the connection", f.pendingError(fd), unix.ECONNREFUSED)
		f.newConn(fd, loopV4).expectOut("open", "connect_fail ECONNREFUSED refused")
		f.close(fd)
	}},
	{"refused, then connected", plain, func(f *fixture) {
		fd := f.tcp(loopV4)
		f.expectRefused(fd, loopV4)
		f.dialWith(fd, loopV4).finish() // the socket still knows its last port
	}},
	{"answered late when not blocking", plain, answeredLate},
	{"given up when not blocking", plain, func(f *fixture) {
		f.dropPackets(f.listener(loopV4))
		fd := f.startConnect(loopV4)
		f.newConn(fd, loopV4).expectOut("open", "close abort")
		f.close(fd)
	}},
	{"from a bound port to two servers", plain, func(f *fixture) {
		from := netip.AddrPortFrom(loopV4.Addr(), 20000)
		var conns []*conn
		for _, to := range []netip.AddrPort{loopV4, at(loopV4, 81)} {
			fd := f.tcp(to)
			f.set(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
			f.bind(fd, from, " reuse_addr")
			conns = append(conns, f.dialWith(fd, to))
		}
		for _, c := range conns {
			c.finish("early_bind")
		}
	}},
	{"from a bound port, refused", plain, func(f *fixture) {
		fd := f.tcp(loopV4)
		f.bind(fd, netip.AddrPortFrom(loopV4.Addr(), 20000), "")
		f.failsWith("connecting", unix.Connect(fd, lab.Sockaddr(loopV4)), unix.ECONNREFUSED)
		f.newConn(fd, loopV4).expectOut("open early_bind", "connect_fail ECONNREFUSED refused early_bind")
		f.close(fd)
	}},
	{"to a connected socket again", plain, func(f *fixture) {
		c := f.dial(loopV4)
		c.failsWith("connecting again", unix.Connect(c.fd, lab.Sockaddr(loopV4)), unix.EISCONN)
		c.finish()
	}},
	{"the same addresses in two namespaces", twoNetns, sameTupleTwice},
}

// startConnect begins a connect() that does not block.
func (f *fixture) startConnect(to netip.AddrPort) int {
	fd := f.socket(f.client, domain(to.Addr()), unix.SOCK_NONBLOCK, unix.IPPROTO_TCP)
	f.failsWith("beginning to connect", unix.Connect(fd, lab.Sockaddr(to)), unix.EINPROGRESS)
	return fd
}

// answeredLate loses the first SYN. The second goes out a second later in a timer, and is
// answered there: its owner is not running then.
func answeredLate(f *fixture) {
	listener := f.listener(loopV4)
	f.dropPackets(listener)
	fd := f.startConnect(loopV4)
	f.failsWith("connecting again", unix.Connect(fd, lab.Sockaddr(loopV4)), unix.EALREADY)
	f.stopDropping(listener)
	f.await(fd, unix.POLLOUT)
	f.check("the connection", f.pendingError(fd))
	f.accepted(fd, loopV4, listener).finish()
}

// sameTupleTwice makes the same 4-tuple in both namespaces at the same time, which end
// in different ways.
func sameTupleTwice(f *fixture) {
	from := netip.AddrPortFrom(loopV4.Addr(), 20000)
	var conns []*conn
	for _, n := range f.nets() {
		f.inNetns(n, func() {
			fd := f.tcp(loopV4)
			f.bind(fd, from, "")
			conns = append(conns, f.dialWith(fd, loopV4))
		})
	}
	conns[0].finish("early_bind")
	conns[1].reset(conns[1].peer)
	conns[1].expectOut("open early_bind", "close reset remote early_bind")
	conns[1].expectIn("close reset local")
}
