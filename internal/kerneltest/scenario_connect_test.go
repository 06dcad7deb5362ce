package kerneltest

import (
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/lab"
)

// How connections begin, or do not.
var connectLives = []life{
	{"refused", alone, func(w *world) {
		fd := w.tcp(loopV4)
		w.fails("connecting", unix.Connect(fd, lab.Sockaddr(loopV4)), unix.ECONNREFUSED)
		w.connOf(fd, loopV4).tells("open", "connect_fail ECONNREFUSED refused")
		w.close(fd)
	}},
	{"refused when not blocking", alone, func(w *world) {
		fd := w.start(loopV4)
		w.await(fd, unix.POLLOUT)
		w.fails("the connection", w.errorOf(fd), unix.ECONNREFUSED)
		w.connOf(fd, loopV4).tells("open", "connect_fail ECONNREFUSED refused")
		w.close(fd)
	}},
	{"refused, then connected", alone, func(w *world) {
		fd := w.tcp(loopV4)
		w.fails("connecting", unix.Connect(fd, lab.Sockaddr(loopV4)), unix.ECONNREFUSED)
		w.connOf(fd, loopV4).tells("open", "connect_fail ECONNREFUSED refused")
		w.dialBy(fd, loopV4).finish() // the socket still knows its last port
	}},
	{"answered late when not blocking", alone, answeredLate},
	{"given up when not blocking", alone, func(w *world) {
		w.deafen(w.listener(loopV4))
		fd := w.start(loopV4)
		w.connOf(fd, loopV4).tells("open", "close abort")
		w.close(fd)
	}},
	{"from a bound port to two servers", alone, func(w *world) {
		from := netip.AddrPortFrom(loopV4.Addr(), 20000)
		var conns []*conn
		for _, to := range []netip.AddrPort{loopV4, at(loopV4, 81)} {
			fd := w.tcp(to)
			w.set(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
			w.bind(fd, from, " reuse_addr")
			conns = append(conns, w.dialBy(fd, to))
		}
		for _, c := range conns {
			c.finish("early_bind")
		}
	}},
	{"from a bound port, refused", alone, func(w *world) {
		fd := w.tcp(loopV4)
		w.bind(fd, netip.AddrPortFrom(loopV4.Addr(), 20000), "")
		w.fails("connecting", unix.Connect(fd, lab.Sockaddr(loopV4)), unix.ECONNREFUSED)
		w.connOf(fd, loopV4).tells("open early_bind", "connect_fail ECONNREFUSED refused early_bind")
		w.close(fd)
	}},
	{"to a connected socket again", alone, func(w *world) {
		c := w.dial(loopV4)
		c.fails("connecting again", unix.Connect(c.fd, lab.Sockaddr(loopV4)), unix.EISCONN)
		c.finish()
	}},
	{"the same addresses in two namespaces", twins, twoOfTheSame},
}

// start begins to connect.
func (w *world) start(to netip.AddrPort) int {
	fd := w.socket(w.client, domain(to.Addr()), unix.SOCK_NONBLOCK, unix.IPPROTO_TCP)
	w.fails("beginning to connect", unix.Connect(fd, lab.Sockaddr(to)), unix.EINPROGRESS)
	return fd
}

// answeredLate loses the first SYN. The second goes out a second later in a timer, and is
// answered there: nobody is running whom the connection belongs to.
func answeredLate(w *world) {
	listener := w.listener(loopV4)
	w.deafen(listener)
	fd := w.start(loopV4)
	w.fails("connecting again", unix.Connect(fd, lab.Sockaddr(loopV4)), unix.EALREADY)
	w.undeafen(listener)
	w.await(fd, unix.POLLOUT)
	w.check("the connection", w.errorOf(fd))
	w.connected(fd, loopV4, listener).finish()
}

// twoOfTheSame has the same 4-tuple in both namespaces at the same time, with another end
// in each.
func twoOfTheSame(w *world) {
	from := netip.AddrPortFrom(loopV4.Addr(), 20000)
	var conns []*conn
	for _, n := range w.nets() {
		w.within(n, func() {
			fd := w.tcp(loopV4)
			w.bind(fd, from, "")
			conns = append(conns, w.dialBy(fd, loopV4))
		})
	}
	conns[0].finish("early_bind")
	conns[1].reset(conns[1].peer)
	conns[1].tells("open early_bind", "close reset remote early_bind")
	conns[1].peerTells("close reset local")
}
