package kerneltest

import (
	"net/netip"
	"time"
)

// How TIME_WAIT buckets end, or are not made.
var bucketScenarios = []scenario{
	{"TIME_WAIT table full", withProcess | fewBuckets, tableFull},
	{"tcp_tw_reuse 0 on loopback", plain, func(f *fixture) { f.fillWithTimeWait(loopV4, "0").expectNoPort(f.tcp(loopV4), loopV4) }},
	{"tcp_tw_reuse 2 on loopback", plain, func(f *fixture) { f.fillWithTimeWait(loopV4, "2").reusePort(loopV4) }},
	{"tcp_tw_reuse 2 elsewhere", overVeth, func(f *fixture) { f.fillWithTimeWait(serverV4, "2").expectNoPort(f.tcp(serverV4), serverV4) }},
	{"tcp_tw_reuse 1 elsewhere", overVeth, func(f *fixture) { f.fillWithTimeWait(serverV4, "1").reusePort(serverV4) }},
}

// bucketRoom is how many TIME_WAIT buckets the namespace of a scenario with fewBuckets takes.
const bucketRoom = 2

// tableFull makes more buckets than there is room for: those beyond tcp_max_tw_buckets are not
// reported, and the kernel counts them.
func tableFull(f *fixture) {
	const made = 5
	for i, c := range f.dialMany(loopV4, made) {
		if i < bucketRoom {
			c.finish()
			continue
		}
		c.close(c.fd)
		c.receiveFIN(c.peer)
		c.close(c.peer)
		c.expectCloseWithoutBucket()
	}
	f.counters["TcpExt.TCPTimeWaitOverflow"] = made - bucketRoom
}

// reuseAge is the age from which on a bucket's port may be reused: the kernel wants a second.
const reuseAge = 1200 * time.Millisecond

// fillWithTimeWait leaves all ports in TIME_WAIT, old enough to be reused.
func (f *fixture) fillWithTimeWait(to netip.AddrPort, reuse string) *fixture {
	f.narrow(firstPort, lastPort)
	f.sysctl("ipv4/tcp_tw_reuse", reuse)
	finishAll(f.dialMany(to, fewPorts))
	time.Sleep(reuseAge) // the age of the buckets is what the scenario is about
	return f
}

// reusePort takes a port from TIME_WAIT. In the end the port is in TIME_WAIT again.
func (f *fixture) reusePort(to netip.AddrPort) {
	c := f.dial(to)
	c.closeInOrder(c.fd, c.peer)
	c.expectOut("open reused", "close local time_wait")
	c.expectIn("close remote close_wait")
}
