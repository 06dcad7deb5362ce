package kerneltest

import (
	"errors"
	"fmt"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/lab"
)

// unusualClose ends a connection in a way that no plain client does, in two steps: the peer must
// notice the first before the second. A rule that uses the last states only can fail here.
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
	return errors.Join(c.closeIn(), awaitPoll(c.out, unix.POLLRDHUP, waitLimit), c.closeOut())
}

func (c twoEnds) resetIn() error  { return resetAndClose(c.in) }
func (c twoEnds) resetOut() error { return errors.Join(resetAndClose(c.out), c.closeIn()) }

// closeAtOnce leaves no bucket: a negative TCP_LINGER2 forbids it.
func (c twoEnds) closeAtOnce() error {
	return errors.Join(unix.SetsockoptInt(c.out, unix.SOL_TCP, unix.TCP_LINGER2, -1), c.closeOut())
}

func (c twoEnds) closeUnread() error {
	_, err := unix.Write(c.in, []byte{'?'})
	return errors.Join(err, awaitPoll(c.out, unix.POLLIN, waitLimit), c.closeOut())
}

func (c twoEnds) disconnect() error { return disconnect(c.out) }

// selfServers listen for the connections of this process to itself.
var selfServers = []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:1080"), netip.MustParseAddrPort("[::1]:1080")}

// unusualCloses makes each of them some ten times, over IPv4 and over IPv6.
func (l *load) unusualCloses() {
	times := fewer(9, 5)
	for _, server := range selfServers {
		l.want.add("bind", os.Getpid(), endpoint(server))
		err := l.client.Do(func() error {
			listener, err := socketAt(server)
			if err != nil {
				return err
			}
			defer unix.Close(listener)
			if err := unix.Listen(listener, times); err != nil {
				return err
			}
			for _, way := range unusualCloses {
				for range times {
					if err := l.closeUnusually(server, listener, way); err != nil {
						return fmt.Errorf("%s, %s: %w", server, way.name, err)
					}
				}
			}
			return nil
		})
		noError(l.t, err)
	}
}

func (l *load) closeUnusually(server netip.AddrPort, listener int, way unusualClose) error {
	c, err := connectTo(server, listener)
	if err != nil {
		return err
	}
	one, err := endsOf(c, server)
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
	return errors.Join(way.first(c), awaitPoll(way.peer(c), unix.POLLRDHUP, waitLimit), way.second(c))
}

// endsOf returns what the end that connected knows.
func endsOf(c twoEnds, server netip.AddrPort) (one oneEnd, err error) {
	one = oneEnd{pid: os.Getpid(), src: endpoint(lab.LocalAddr(c.out)), dst: endpoint(server), direction: event.Out}
	one.cookie, err = unix.GetsockoptUint64(c.out, unix.SOL_SOCKET, unix.SO_COOKIE)
	return one, err
}
