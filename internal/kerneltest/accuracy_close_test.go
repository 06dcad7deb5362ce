package kerneltest

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/event"
)

// twoEnds is a connection of this thread to itself, over the loopback device.
type twoEnds struct{ out, in int }

// unusualClose ends a connection in a way that no plain client knows: after its first step the
// other end peer of it, and then comes the second. At each of them a rule that looks at
// the last states alone can fail.
type unusualClose struct {
	name     string
	first    func(twoEnds) error
	peer     func(twoEnds) int
	second   func(twoEnds) error
	closedBy event.ClosedBy // as the end that connected should report
	resetBy  event.ClosedBy
}

var unusualCloses = []unusualClose{
	{"half close", twoEnds.shut, twoEnds.inEnd, twoEnds.closeLate, event.Local, 0},
	{"peer first", twoEnds.closeIn, twoEnds.outEnd, twoEnds.closeOut, event.Remote, 0},
	{"peer resets", twoEnds.resetIn, twoEnds.outEnd, twoEnds.closeOut, event.Reset, event.Remote},
	{"no lingering", twoEnds.closeAtOnce, twoEnds.inEnd, twoEnds.closeIn, event.Local, 0},
	{"reset after FIN", twoEnds.shut, twoEnds.inEnd, twoEnds.resetOut, event.Local, 0},
	{"unread data", twoEnds.closeUnread, twoEnds.inEnd, twoEnds.closeIn, event.Reset, event.Local},
	{"disconnect", twoEnds.disconnect, twoEnds.inEnd, twoEnds.closeBoth, event.Reset, event.Local},
}

func (c twoEnds) outEnd() int      { return c.out }
func (c twoEnds) inEnd() int       { return c.in }
func (c twoEnds) shut() error      { return unix.Shutdown(c.out, unix.SHUT_WR) }
func (c twoEnds) closeOut() error  { return unix.Close(c.out) }
func (c twoEnds) closeIn() error   { return unix.Close(c.in) }
func (c twoEnds) closeBoth() error { return errors.Join(c.closeOut(), c.closeIn()) }

// closeLate closes when the socket is a TIME_WAIT bucket already.
func (c twoEnds) closeLate() error {
	return errors.Join(c.closeIn(), awaitPoll(c.out, unix.POLLRDHUP), c.closeOut())
}

func resetAndClose(fd int) error {
	return errors.Join(unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1}), unix.Close(fd))
}

func (c twoEnds) resetIn() error  { return resetAndClose(c.in) }
func (c twoEnds) resetOut() error { return errors.Join(resetAndClose(c.out), c.closeIn()) }

// closeAtOnce leaves no bucket: a negative TCP_LINGER2 forbids it.
func (c twoEnds) closeAtOnce() error {
	return errors.Join(unix.SetsockoptInt(c.out, unix.SOL_TCP, unix.TCP_LINGER2, -1), c.closeOut())
}

func (c twoEnds) closeUnread() error {
	_, err := unix.Write(c.in, []byte{'?'})
	return errors.Join(err, awaitPoll(c.out, unix.POLLIN), c.closeOut())
}

// disconnect ends the connection by a connect() to AF_UNSPEC, connect(2).
func (c twoEnds) disconnect() error {
	to := unix.RawSockaddr{Family: unix.AF_UNSPEC}
	_, _, errno := unix.Syscall(unix.SYS_CONNECT, uintptr(c.out), uintptr(unsafe.Pointer(&to)), unsafe.Sizeof(to))
	if errno != 0 {
		return errno
	}
	return nil
}

// awaitPoll waits until the socket is ready, or its connection has ended.
func awaitPoll(fd int, events int16) error {
	for deadline := time.Now().Add(waitLimit); time.Now().Before(deadline); {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: events}}, 1000)
		if n > 0 || err != nil && err != unix.EINTR {
			return err
		}
	}
	return unix.ETIMEDOUT
}

var selfServer = netip.MustParseAddrPort("127.0.0.1:1080")

// unusualCloses makes each of them ten times.
func (l *load) unusualCloses() {
	const times = 10
	l.want.add("bind", os.Getpid(), endpoint(selfServer))
	err := l.client.Do(func() error {
		listener, err := socketAt(selfServer)
		if err != nil {
			return err
		}
		defer unix.Close(listener)
		if err := unix.Listen(listener, times); err != nil {
			return err
		}
		for _, way := range unusualCloses {
			for range times {
				if err := l.closeUnusually(listener, way); err != nil {
					return fmt.Errorf("%s: %w", way.name, err)
				}
			}
		}
		return nil
	})
	if err != nil {
		l.t.Fatal(err)
	}
}

// socketAt makes a bound socket.
func socketAt(at netip.AddrPort) (int, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fd, err
	}
	return fd, errors.Join(unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1), unix.Bind(fd, inet4(at)))
}

func inet4(ap netip.AddrPort) *unix.SockaddrInet4 {
	return &unix.SockaddrInet4{Port: int(ap.Port()), Addr: ap.Addr().As4()}
}

func (l *load) closeUnusually(listener int, way unusualClose) error {
	c, err := connectTo(selfServer, listener)
	if err != nil {
		return err
	}
	one, err := endsOf(c)
	if err != nil {
		return err
	}
	one.closedBy, one.resetBy = way.closedBy, way.resetBy
	other := one.otherEnd(one.pid)
	if other.cookie, err = unix.GetsockoptUint64(c.in, unix.SOL_SOCKET, unix.SO_COOKIE); err != nil {
		return err
	}
	l.want.addEnd(one)
	l.want.addEnd(other)
	return errors.Join(way.first(c), awaitPoll(way.peer(c), unix.POLLRDHUP), way.second(c))
}

func connectTo(at netip.AddrPort, listener int) (c twoEnds, err error) {
	if c.out, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0); err != nil {
		return c, err
	}
	if err := unix.Connect(c.out, inet4(at)); err != nil {
		return c, err
	}
	c.in, _, err = unix.Accept4(listener, unix.SOCK_CLOEXEC)
	return c, err
}

// endsOf returns what the end that connected knows.
func endsOf(c twoEnds) (one oneEnd, err error) {
	from, err := localPort(c.out)
	if err != nil {
		return one, err
	}
	one = oneEnd{pid: os.Getpid(), src: endpoint(at(selfServer, from)), dst: endpoint(selfServer), direction: event.Out}
	one.cookie, err = unix.GetsockoptUint64(c.out, unix.SOL_SOCKET, unix.SO_COOKIE)
	return one, err
}

func localPort(fd int) (uint16, error) {
	sa, err := unix.Getsockname(fd)
	if at, ok := sa.(*unix.SockaddrInet4); ok {
		return uint16(at.Port), err
	}
	return 0, err
}
