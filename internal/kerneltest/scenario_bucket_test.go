package kerneltest

import (
	"fmt"
	"net/netip"
	"time"
)

// What becomes of TIME_WAIT buckets.
var bucketLives = []life{
	{"TIME_WAIT table full", inhabited, tableFull},
	{"tcp_tw_reuse 0 on loopback", alone, func(w *world) { w.useUp(loopV4, "0").noPort(w.tcp(loopV4), loopV4) }},
	{"tcp_tw_reuse 2 on loopback", alone, func(w *world) { w.useUp(loopV4, "2").reuse(loopV4) }},
	{"tcp_tw_reuse 2 elsewhere", linked, func(w *world) { w.useUp(serverV4, "2").noPort(w.tcp(serverV4), serverV4) }},
	{"tcp_tw_reuse 1 elsewhere", linked, func(w *world) { w.useUp(serverV4, "1").reuse(serverV4) }},
}

// tableFull closes more than there is room for. Buckets of orphans are asked for; the
// others are told by a rule that does not see it: the kernel's counter alone says so.
func tableFull(w *world) {
	const room, made = 2, 5
	w.sysctl("ipv4/tcp_max_tw_buckets", fmt.Sprint(room))
	for i, c := range w.dialMany(loopV4, made) {
		if i == made-1 {
			c.close(c.fd)
			c.acknowledge(c.peer)
			c.close(c.peer)
			c.tells("open", "close local")
			c.peerTells("close remote close_wait")
			continue
		}
		c.finish()
		if i >= room {
			w.unmade++
		}
	}
	w.counters["TcpExt.TCPTimeWaitOverflow"] = made - room
}

// reuseAge is from when on a bucket's port may be taken.
const reuseAge = 1200 * time.Millisecond

// useUp leaves all ports in TIME_WAIT, and old enough.
func (w *world) useUp(to netip.AddrPort, reuse string) *world {
	w.narrow(firstPort, lastPort)
	w.sysctl("ipv4/tcp_tw_reuse", reuse)
	finishAll(w.dialMany(to, fewPorts))
	time.Sleep(reuseAge)
	return w
}

// reuse takes a port from TIME_WAIT. In the end it is there again.
func (w *world) reuse(to netip.AddrPort) {
	c := w.dial(to)
	c.release(c.fd, c.peer)
	c.tells("open reused", "close local time_wait")
	c.peerTells("close remote close_wait")
}
