package kerneltest

import (
	"time"

	"golang.org/x/sys/unix"
)

// How connections end.
var closingLives = []life{
	{"client closes first", alone, func(w *world) { w.dial(loopV4).finish() }},
	{"server closes first", alone, func(w *world) {
		c := w.dial(loopV4)
		c.release(c.peer, c.fd)
		c.tells("open", "close remote close_wait")
		c.peerTells("close local time_wait")
	}},
	{"client closes as an orphan", inhabited, func(w *world) { w.dial(loopV4).promote() }},
	{"server closes as an orphan", inhabited, func(w *world) {
		c := w.dial(loopV4)
		c.orphan(c.peer)
		c.follow(c.fd)
		c.tells("open", "close remote close_wait")
		c.peerTells("close local time_wait")
	}},
	{"both close at once", alone, bothCloseAtOnce},
	{"client resets", alone, func(w *world) {
		c := w.dial(loopV4)
		c.reset(c.fd)
		c.tells("open", "close reset local")
		c.peerTells("close reset remote")
	}},
	{"server resets", alone, func(w *world) {
		c := w.dial(loopV4)
		c.reset(c.peer)
		c.tells("open", "close reset remote")
		c.peerTells("close reset local")
	}},
	{"closed with unread data", alone, func(w *world) {
		c := w.dial(loopV4)
		c.write(c.peer)
		c.await(c.fd, unix.POLLIN)
		c.close(c.fd)
		c.tells("open", "close reset local")
		c.peerTells("close reset remote")
	}},
	{"half close", alone, func(w *world) {
		c := w.dial(loopV4)
		c.halfClose(c.fd, c.peer)
		c.write(c.peer)
		c.read(c.fd)
		c.close(c.peer)
		c.read(c.fd)
		c.tells("open", "close local time_wait")
		c.peerTells("close remote close_wait")
	}},
	{"server never closes", inhabited, neverClosed},
	{"data instead of a FIN", inhabited, func(w *world) {
		c := w.dial(loopV4)
		c.deafenToHeaders(c.fd)
		c.close(c.fd)
		c.write(c.peer) // comes with the acknowledgement of the FIN, and is answered by a RST
		c.read(c.peer)
		c.tells("open", "close local") // the rule alone takes it for an orphan
		c.peerTells("close remote close_wait")
		c.counters["Tcp.EstabResets"] = 1 // CLOSE_WAIT counts as established
		c.counters["TcpExt.TCPAbortOnData"] = 1
	}},
	{"data after the FIN", inhabited, func(w *world) {
		c := w.dial(loopV4)
		c.close(c.fd)
		c.acknowledge(c.peer)
		c.write(c.peer) // ends the bucket that was there
		c.read(c.peer)
		c.tells("open", "close local")
		c.peerTells("close remote close_wait")
		c.counters["Tcp.EstabResets"] = 1
		c.untold = 1
	}},
	{"reset by the peer when half closed", alone, func(w *world) {
		c := w.dial(loopV4)
		c.halfClose(c.fd, c.peer)
		c.reset(c.peer)
		c.tells("open", "close local")
		c.peerTells("close remote close_wait")
		c.counters["Tcp.EstabResets"] = 1
	}},
	{"SO_LINGER 0 when half closed", alone, func(w *world) {
		c := w.dial(loopV4)
		c.halfClose(c.fd, c.peer)
		c.reset(c.fd)
		c.tells("open", "close local")
		c.peerTells("close remote close_wait")
		c.counters["Tcp.EstabResets"] = 1
	}},
	{"TCP_LINGER2 below 0", alone, func(w *world) {
		c := w.dial(loopV4)
		c.set(c.fd, unix.SOL_TCP, unix.TCP_LINGER2, -1)
		c.halfClose(c.fd, c.peer)
		c.close(c.fd)
		c.tells("open", "close local")
		c.peerTells("close remote close_wait")
		c.counters["TcpExt.TCPAbortOnLinger"] = 1
		c.counters["Tcp.EstabResets"] = 1
	}},
	{"peer falls silent", alone, func(w *world) {
		c := w.dial(loopV4)
		c.deafen(c.peer)
		c.set(c.fd, unix.SOL_TCP, unix.TCP_USER_TIMEOUT, 200)
		c.write(c.fd)
		c.await(c.fd, unix.POLLERR)
		c.fails("the connection", c.errorOf(c.fd), unix.ETIMEDOUT)
		c.reset(c.peer)
		c.tells("open", "close timeout")
		c.peerTells("close reset local")
		c.counters["TcpExt.TCPAbortOnTimeout"] = 1
	}},
	{"connect to AF_UNSPEC", alone, func(w *world) {
		c := w.dial(loopV4)
		c.disconnect(c.fd)
		c.tells("open", "close reset local")
		c.peerTells("close reset remote")
		again := w.dialBy(c.fd, loopV4) // the socket still knows its last port and error
		again.finish()
	}},
}

// neverClosed is a connection that the server does not close. Its FIN_WAIT2 is a bucket, for
// tcp_fin_timeout.
func neverClosed(w *world) {
	w.sysctl("ipv4/tcp_fin_timeout", "4") // an emulated processor gets to look at the bucket meanwhile
	c := w.dial(loopV4)
	c.close(c.fd)
	c.acknowledge(c.peer)
	c.awaitBuckets(1)
	c.awaitBuckets(0)
	c.close(c.peer)
	c.tells("open", "close local fin_wait2")
	c.peerTells("close remote close_wait")
	c.short = 1
}

// awaitBuckets waits until the client has that many.
func (w *world) awaitBuckets(count int) {
	for deadline := time.Now().Add(patience); w.err == nil; time.Sleep(5 * time.Millisecond) {
		stat, err := w.client.Sockstat()
		w.check("sockstat", err)
		if stat.TimeWait == count {
			return
		}
		if time.Now().After(deadline) {
			w.check("waiting for buckets", unix.ETIMEDOUT)
		}
	}
}
