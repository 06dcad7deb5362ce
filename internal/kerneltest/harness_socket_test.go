package kerneltest

import (
	"errors"
	"net/netip"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/lab"
)

// Sockets of this process, made by plain system calls.

func domain(a netip.Addr) int {
	if a.Is4() {
		return unix.AF_INET
	}
	return unix.AF_INET6
}

// newSocket makes a TCP socket for an address.
func newSocket(a netip.Addr) (int, error) {
	return unix.Socket(domain(a), unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
}

// socketAt makes a socket and binds it with SO_REUSEADDR.
func socketAt(at netip.AddrPort) (int, error) {
	fd, err := newSocket(at.Addr())
	if err != nil {
		return fd, err
	}
	return fd, errors.Join(unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1), unix.Bind(fd, lab.Sockaddr(at)))
}

// connectHere makes connections in a namespace, and closes each of them. It returns those that
// succeeded.
func connectHere(n *lab.Netns, to netip.AddrPort, count int) (lab.Result, error) {
	r := lab.Result{PID: os.Getpid()}
	err := n.Do(func() error {
		for range count {
			fd, err := newSocket(to.Addr())
			if err != nil {
				return err
			}
			err = unix.Connect(fd, lab.Sockaddr(to))
			try := lab.Try{Local: lab.LocalAddr(fd), Remote: to}
			if err := errors.Join(err, unix.Close(fd)); err != nil {
				return err
			}
			r.Tries = append(r.Tries, try)
		}
		return nil
	})
	return r, err
}

// twoEnds is a connection of this thread to itself, over the loopback device.
type twoEnds struct{ out, in int }

// connectTo connects to a listener of this thread.
func connectTo(at netip.AddrPort, listener int) (c twoEnds, err error) {
	if c.out, err = newSocket(at.Addr()); err != nil {
		return c, err
	}
	if err := unix.Connect(c.out, lab.Sockaddr(at)); err != nil {
		return c, err
	}
	c.in, _, err = unix.Accept4(listener, unix.SOCK_CLOEXEC)
	return c, err
}

// resetAndClose closes without a FIN.
func resetAndClose(fd int) error {
	return errors.Join(unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1}), unix.Close(fd))
}

// disconnect ends the connection of a socket by a connect() to AF_UNSPEC, connect(2).
func disconnect(fd int) error {
	to := unix.RawSockaddr{Family: unix.AF_UNSPEC}
	_, _, errno := unix.Syscall(unix.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&to)), unsafe.Sizeof(to))
	if errno != 0 {
		return errno
	}
	return nil
}

// awaitPoll waits until a socket is ready, or its connection has ended.
func awaitPoll(fd int, events int16, limit time.Duration) error {
	for deadline := time.Now().Add(limit); ; {
		left := max(0, time.Until(deadline).Milliseconds())
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: events}}, int(left))
		switch {
		case err == unix.EINTR:
		case n == 0 && err == nil:
			return unix.ETIMEDOUT
		default:
			return err
		}
	}
}
