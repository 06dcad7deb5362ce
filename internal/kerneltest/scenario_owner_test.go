package kerneltest

import (
	"net/netip"
	"os"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/lab"
)

// Whose a socket is: of an outgoing connection the caller of connect(), whoever closes
// it; of an accepted one who closes it.
var ownerLives = []life{
	{"killed", inhabited | apart, killed},
	{"inherited", inhabited | apart, func(w *world) {
		c := w.dial(loopV4)
		p := w.handOn(&lab.Holder{For: jobLimit}, c.fd)
		w.close(c.fd) // and nothing happens
		w.shutBy(p, c.peer)
		c.tells("open", "close local time_wait")
		c.peerTells("close remote close_wait")
	}},
	{"passed on", inhabited | apart, func(w *world) {
		c := w.dial(loopV4)
		p := w.pass(c.fd)
		w.shutBy(p, c.peer)
		c.tells("open", "close local time_wait")
		c.peerTells("close remote close_wait")
	}},
	{"accepted and passed on", inhabited | apart, func(w *world) {
		c := w.dial(loopV4)
		p := w.pass(c.peer)
		w.shutBy(p, c.fd)
		c.peersOwner = p.PID()
		c.tells("open", "close remote close_wait")
		c.peerTells("close local time_wait")
	}},
	{"inherited before it connects", inhabited | apart, func(w *world) {
		fd := w.tcp(loopV4)
		p := w.handOn(&lab.Holder{For: jobLimit}, fd)
		c := w.dialBy(fd, loopV4)
		w.close(c.fd)
		w.shutBy(p, c.peer)
		c.tells("open", "close local time_wait")
		c.peerTells("close remote close_wait")
	}},
}

// killed ends a process that has connections open. The kernel closes them.
func killed(w *world) {
	const count = 5
	listener := w.listener(loopV4)
	p := w.spawn(&lab.Client{To: []netip.AddrPort{loopV4}, Count: count, Hold: true, List: true, For: jobLimit})
	var r lab.Result
	w.check("the client", p.Decode(&r))
	peers := map[netip.AddrPort]int{}
	for range count {
		peer := w.accept(listener)
		peers[remoteAddr(peer)] = peer
	}
	w.begin()
	w.check("killing", unix.Kill(p.PID(), unix.SIGKILL))
	for _, peer := range peers {
		w.follow(peer)
	}
	for _, try := range r.Tries {
		c := w.connOf(-1, loopV4)
		c.local, c.owner = try.Local, r.PID
		c.tells("open", "close local time_wait")
		c.peerTells("close remote close_wait")
	}
}

func remoteAddr(fd int) netip.AddrPort {
	sa, _ := unix.Getpeername(fd)
	if sa, ok := sa.(*unix.SockaddrInet4); ok {
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port))
	}
	return netip.AddrPort{}
}

// handOn starts a process that has a descriptor of ours.
func (w *world) handOn(job lab.Job, fd int) *lab.Proc {
	dup, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	w.check("duplicating", err)
	file := os.NewFile(uintptr(dup), "socket")
	p := w.spawn(job, file)
	w.check("closing the duplicate", file.Close())
	var ready lab.Result
	w.check("the holder", p.Decode(&ready))
	return p
}

// pass gives a socket away over another: SCM_RIGHTS of unix(7).
func (w *world) pass(fd int) *lab.Proc {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	w.check("making a pair of sockets", err)
	w.fds[pair[0]], w.fds[pair[1]] = true, true
	w.check("passing", lab.SendFile(pair[0], fd))
	p := w.handOn(&lab.Holder{Passed: true, For: jobLimit}, pair[1])
	w.close(fd) // and nothing happens
	return p
}

// shutBy lets another process close, and then closes the other end.
func (w *world) shutBy(p *lab.Proc, second int) {
	w.begin()
	w.check("the holder", p.Release())
	w.follow(second)
}
