package kerneltest

import (
	"golang.org/x/sys/unix"
)

// How connections end.
var closeScenarios = []scenario{
	{"client closes first", plain, func(f *fixture) { f.dial(loopV4).finish() }},
	{"server closes first", plain, func(f *fixture) {
		c := f.dial(loopV4)
		c.closeInOrder(c.peer, c.fd)
		c.expectPassiveClose()
	}},
	{"client closes as an orphan", withProcess, func(f *fixture) { f.dial(loopV4).finishAsOrphan() }},
	{"server closes as an orphan", withProcess, func(f *fixture) {
		c := f.dial(loopV4)
		c.closeAsOrphan(c.peer)
		c.closeSecond(c.fd)
		c.expectPassiveClose()
	}},
	{"both close at once", plain, bothCloseAtOnce},
	{"client resets", plain, func(f *fixture) {
		c := f.dial(loopV4)
		c.reset(c.fd)
		c.expectReset("local", "remote")
	}},
	{"server resets", plain, func(f *fixture) {
		c := f.dial(loopV4)
		c.reset(c.peer)
		c.expectReset("remote", "local")
	}},
	{"closed with unread data", plain, func(f *fixture) {
		c := f.dial(loopV4)
		c.write(c.peer)
		c.await(c.fd, unix.POLLIN)
		c.close(c.fd)
		c.expectReset("local", "remote")
	}},
	{"half close", plain, func(f *fixture) {
		c := f.dial(loopV4)
		c.halfClose(c.fd, c.peer)
		c.write(c.peer)
		c.read(c.fd)
		c.close(c.peer)
		c.read(c.fd)
		c.expectActiveClose()
	}},
	{"server never closes", withProcess, neverClosed},
	{"data instead of a FIN", withProcess, func(f *fixture) {
		c := f.dial(loopV4)
		c.dropWithoutData(c.fd)
		c.close(c.fd)
		c.write(c.peer) // comes with the acknowledgement of the FIN, and is answered by a RST
		c.read(c.peer)
		c.expectCloseWithoutBucket()      // the rule alone takes it for an orphan
		c.counters["Tcp.EstabResets"] = 1 // CLOSE_WAIT counts as established
		c.counters["TcpExt.TCPAbortOnData"] = 1
	}},
	{"data after the FIN", withProcess, func(f *fixture) {
		c := f.dial(loopV4)
		c.close(c.fd)
		c.receiveFIN(c.peer)
		c.write(c.peer) // ends the bucket that was there
		c.read(c.peer)
		c.expectCloseWithoutBucket()
		c.counters["Tcp.EstabResets"] = 1
		c.unseen = 1
	}},
	{"reset by the peer when half closed", plain, func(f *fixture) {
		c := f.dial(loopV4)
		c.halfClose(c.fd, c.peer)
		c.reset(c.peer)
		c.expectCloseWithoutBucket()
		c.counters["Tcp.EstabResets"] = 1
	}},
	{"SO_LINGER 0 when half closed", plain, func(f *fixture) {
		c := f.dial(loopV4)
		c.halfClose(c.fd, c.peer)
		c.reset(c.fd)
		c.expectCloseWithoutBucket()
		c.counters["Tcp.EstabResets"] = 1
	}},
	{"TCP_LINGER2 below 0", plain, func(f *fixture) {
		c := f.dial(loopV4)
		c.set(c.fd, unix.SOL_TCP, unix.TCP_LINGER2, -1)
		c.halfClose(c.fd, c.peer)
		c.close(c.fd)
		c.expectCloseWithoutBucket()
		c.counters["TcpExt.TCPAbortOnLinger"] = 1
		c.counters["Tcp.EstabResets"] = 1
	}},
	{"peer falls silent", plain, func(f *fixture) {
		c := f.dial(loopV4)
		c.dropPackets(c.peer)
		c.set(c.fd, unix.SOL_TCP, unix.TCP_USER_TIMEOUT, 200)
		c.write(c.fd)
		c.await(c.fd, unix.POLLERR)
		c.failsWith("the connection", c.pendingError(c.fd), unix.ETIMEDOUT)
		c.reset(c.peer)
		c.expectOut("open", "close timeout")
		c.expectIn("close reset local")
		c.counters["TcpExt.TCPAbortOnTimeout"] = 1
	}},
	{"connect to AF_UNSPEC", plain, func(f *fixture) {
		c := f.dial(loopV4)
		c.check("disconnecting", disconnect(c.fd))
		c.expectReset("local", "remote")
		again := f.dialWith(c.fd, loopV4) // the socket still knows its last port and error
		again.finish()
	}},
}

// neverClosed makes a connection that the server does not close. Its FIN_WAIT2 is a bucket for
// tcp_fin_timeout.
func neverClosed(f *fixture) {
	f.sysctl("ipv4/tcp_fin_timeout", "4") // long enough for porttrace to ask for the bucket, also on an emulated processor
	c := f.dial(loopV4)
	c.closeAsOrphan(c.fd)
	c.receiveFIN(c.peer)
	c.awaitBuckets(1)
	c.awaitBuckets(0)
	c.close(c.peer)
	c.expectOut("open", "close local fin_wait2")
	c.expectIn("close remote close_wait")
	c.shortBuckets = 1
}

// awaitBuckets waits until the client has that many.
func (f *fixture) awaitBuckets(count int) {
	f.awaitThat("buckets", func() bool {
		stat, err := f.client.Sockstat()
		f.check("sockstat", err)
		return stat.TimeWait == count
	})
}
