package kerneltest

import (
	"net/netip"
	"os"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/lab"
)

// Owners of sockets: of an outgoing connection the caller of connect(), whichever process closes
// it; of an accepted one the process that closes it.
var ownerScenarios = []scenario{
	{"killed", withProcess | exclusive, killed},
	{"inherited", withProcess | exclusive, func(f *fixture) {
		c := f.dial(loopV4)
		p := f.spawnWith(&lab.Holder{For: jobLimit}, c.fd)
		f.close(c.fd) // no event: another process has it open
		f.closeBy(p, c.peer)
		c.expectActiveClose()
	}},
	{"passed on", withProcess | exclusive, func(f *fixture) {
		c := f.dial(loopV4)
		p := f.passOn(c.fd)
		f.closeBy(p, c.peer)
		c.expectActiveClose()
	}},
	{"accepted and passed on", withProcess | exclusive, func(f *fixture) {
		c := f.dial(loopV4)
		p := f.passOn(c.peer)
		f.closeBy(p, c.fd)
		c.peersOwner = p.PID()
		c.expectPassiveClose()
	}},
	{"inherited before it connects", withProcess | exclusive, func(f *fixture) {
		fd := f.tcp(loopV4)
		p := f.spawnWith(&lab.Holder{For: jobLimit}, fd)
		c := f.dialWith(fd, loopV4)
		f.close(c.fd)
		f.closeBy(p, c.peer)
		c.expectActiveClose()
	}},
}

// killed ends a process that has connections open. The kernel closes them.
func killed(f *fixture) {
	const count = 5
	listener := f.listener(loopV4)
	p := f.spawn(&lab.Client{To: []netip.AddrPort{loopV4}, Count: count, Hold: true, List: true, For: jobLimit})
	var r lab.Result
	f.check("the client", p.Decode(&r))
	peers := map[netip.AddrPort]int{}
	for range count {
		peer := f.accept(listener)
		peers[remoteAddr(peer)] = peer
	}
	f.noteOrphan()
	f.check("killing", unix.Kill(p.PID(), unix.SIGKILL))
	for _, peer := range peers {
		f.closeSecond(peer)
	}
	for _, try := range r.Tries {
		c := f.newConn(-1, loopV4)
		c.local, c.owner = try.Local, r.PID
		c.expectActiveClose()
	}
}

func remoteAddr(fd int) netip.AddrPort {
	sa, _ := unix.Getpeername(fd)
	if sa, ok := sa.(*unix.SockaddrInet4); ok {
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port))
	}
	return netip.AddrPort{}
}

// spawnWith starts a process that has a descriptor of ours.
func (f *fixture) spawnWith(job lab.Job, fd int) *lab.Proc {
	dup, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	f.check("duplicating", err)
	file := os.NewFile(uintptr(dup), "socket")
	p := f.spawn(job, file)
	f.check("closing the duplicate", file.Close())
	var ready lab.Result
	f.check("the holder", p.Decode(&ready))
	return p
}

// passOn gives a socket away over another: SCM_RIGHTS of unix(7).
func (f *fixture) passOn(fd int) *lab.Proc {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	f.check("making a pair of sockets", err)
	f.fds[pair[0]], f.fds[pair[1]] = true, true
	f.check("passing", lab.SendFile(pair[0], fd))
	p := f.spawnWith(&lab.Holder{Passed: true, For: jobLimit}, pair[1])
	f.close(fd) // no event: another process has it open
	return p
}

// closeBy lets another process close, and then closes the other end.
func (f *fixture) closeBy(p *lab.Proc, second int) {
	f.noteOrphan()
	f.check("the holder", p.Release())
	f.closeSecond(second)
}
