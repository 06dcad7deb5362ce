package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// Mode is how a Server treats a connection.
type Mode string

// The modes of a Server.
const (
	Echo       Mode = "echo"        // answer each byte, close after the client
	CloseFirst Mode = "close-first" // close at once
	NeverClose Mode = "never-close" // answer, but keep it after the client's FIN
	Ignore     Mode = "ignore"      // do not accept: beyond Backlog, SYNs go unanswered
)

// Server listens until its standard input is closed. It reports its addresses,
// a list of netip.AddrPort, once it listens.
type Server struct {
	Listen  []netip.AddrPort
	Mode    Mode
	Backlog int // of listen(2); 0: 4096, which the kernel cuts to net.core.somaxconn
	Conns   int // room for that many connections at a time; 0: as many as files may be open
	For     time.Duration
}

func (s *Server) role() string         { return "server" }
func (s *Server) limit() time.Duration { return s.For }

// Serve starts a server and returns when it listens.
func (n *Netns) Serve(name string, s Server) (*Proc, error) {
	p, err := n.Spawn(name, &s)
	if err != nil {
		return nil, err
	}
	var listening []netip.AddrPort
	if err := p.Decode(&listening); err != nil {
		return nil, err
	}
	return p, nil
}

func (s *Server) run(ctx context.Context, out *json.Encoder) error {
	if err := raiseFiles(s.Conns); err != nil {
		return err
	}
	loop, err := newServerLoop(s.Mode)
	if err != nil {
		return err
	}
	var listening []netip.AddrPort
	for _, at := range s.Listen {
		fd, err := listen(at, s.Backlog)
		if err != nil {
			return fmt.Errorf("listening on %s: %w", at, err)
		}
		listening = append(listening, LocalAddr(fd))
		if s.Mode == Ignore {
			continue
		}
		if err := loop.add(fd, true); err != nil {
			return err
		}
	}
	if err := out.Encode(listening); err != nil {
		return err
	}
	return loop.run(ctx)
}

// listen opens a listening socket. It is a plain TCP one, unlike those of the
// net package, which are MPTCP sockets (kernel: net/mptcp).
func listen(at netip.AddrPort, backlog int) (int, error) {
	if backlog == 0 {
		backlog = 4096
	}
	socket := Socket{Bind: at, ReuseAddr: true, Nonblock: true}
	fd, err := socket.open(at.Addr().Is6())
	if err != nil {
		return -1, err
	}
	err = socket.bind(fd)
	if err == nil {
		err = unix.Listen(fd, backlog)
	}
	if err != nil {
		return -1, errors.Join(err, unix.Close(fd))
	}
	return fd, nil
}

// serverLoop is an epoll(7) loop over listeners and connections.
type serverLoop struct {
	mode      Mode
	epoll     int
	listeners map[int]bool
}

func newServerLoop(mode Mode) (*serverLoop, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("making an epoll: %w", err)
	}
	return &serverLoop{mode: mode, epoll: fd, listeners: map[int]bool{}}, nil
}

func (l *serverLoop) add(fd int, listener bool) error {
	if listener {
		l.listeners[fd] = true
	}
	event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}
	return unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, fd, &event)
}

// run serves until ctx is done, which it checks twice a second.
func (l *serverLoop) run(ctx context.Context) error {
	events := make([]unix.EpollEvent, 256)
	for ctx.Err() == nil {
		n, err := unix.EpollWait(l.epoll, events, 500)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("waiting for sockets: %w", err)
		}
		for _, event := range events[:max(0, n)] {
			fd := int(event.Fd)
			if l.listeners[fd] {
				err = l.accept(fd)
			} else {
				err = l.answer(fd)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// acceptBatch is how many connections are accepted before those that are open have their turn: clients
// that connect faster than that would use up all files.
const acceptBatch = 64

// accept takes connections that wait. The epoll reports the listener again if there are more.
func (l *serverLoop) accept(listener int) error {
	for range acceptBatch {
		fd, _, err := unix.Accept4(listener, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		switch {
		case errors.Is(err, unix.EAGAIN):
			return nil
		case errors.Is(err, unix.ECONNABORTED), errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return fmt.Errorf("accepting: %w", err)
		}
		if l.mode == CloseFirst {
			err = unix.Close(fd)
		} else {
			err = l.add(fd, false)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// answer reads what came and answers it, or ends with the client.
func (l *serverLoop) answer(fd int) error {
	var b [64]byte
	n, err := unix.Read(fd, b[:])
	if err == unix.EAGAIN || err == unix.EINTR {
		return nil
	}
	if err == nil && n > 0 {
		_, err = unix.Write(fd, b[:n])
	}
	if err == nil && n > 0 {
		return nil
	}
	// The client's FIN, or a reset.
	if l.mode == NeverClose {
		return unix.EpollCtl(l.epoll, unix.EPOLL_CTL_DEL, fd, nil)
	}
	return unix.Close(fd)
}
