package kerneltest

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/lab"
)

// patience bounds each wait of a life.
const patience = 20 * time.Second

var (
	loopV4     = netip.MustParseAddrPort("127.0.0.1:80")
	loopV6     = netip.MustParseAddrPort("[::1]:80")
	loopMapped = netip.MustParseAddrPort("[::ffff:127.0.0.1]:80")
)

// world is where one life is lived, and what is to be told of it. The first error stays:
// what is called after it does nothing useful, and no harm.
type world struct {
	t              *testing.T
	client, server *lab.Netns
	lacks          string // what this kernel would need for the life; else empty
	err            error

	fds       map[int]bool // what is open
	listeners map[netip.AddrPort]int

	wants    map[*lab.Netns][]tale
	counters map[string]int // the kernel's, where they are not what wants add up to
	unmade   int            // buckets that are told, but that the kernel had no room for
	untold   int            // buckets that were made, but were gone when porttrace asked
	short    int            // buckets that live for four seconds at most, and are counted apart
	loose    bool           // it is not known who closes first, nor who does it
	hidden   bool           // the exit of system calls does not show its binds and failures
	began    time.Time      // when the first end was closed that leaves an orphan; zero: none
	late     bool           // its peer's FIN took its time: see finWithin
	heard    map[*lab.Netns]words
}

func newWorld(t *testing.T, place place) *world {
	t.Helper()
	w := &world{
		t: t, fds: map[int]bool{}, listeners: map[netip.AddrPort]int{},
		wants: map[*lab.Netns][]tale{}, counters: map[string]int{}, heard: map[*lab.Netns]words{},
	}
	w.client = newNetns(t)
	w.server = w.client
	if place&inhabited != 0 {
		spawn(t, w.client, "resident", &lab.Binder{For: jobLimit})
	}
	if place&(linked|twins) != 0 {
		w.server = newNetns(t)
	}
	if place&linked == 0 {
		return w
	}
	err := lab.Link(w.client, w.server, clientAddrs, serverAddrs)
	if errors.Is(err, unix.EOPNOTSUPP) {
		w.lacks = fmt.Sprintf("this kernel has no veth: %v", err)
	} else {
		w.check("linking", err)
	}
	return w
}

func (w *world) nets() []*lab.Netns {
	if w.client == w.server {
		return []*lab.Netns{w.client}
	}
	return []*lab.Netns{w.client, w.server}
}

// within has both ends in one of the namespaces for a while.
func (w *world) within(n *lab.Netns, live func()) {
	client, server, listeners := w.client, w.server, w.listeners
	w.client, w.server, w.listeners = n, n, map[netip.AddrPort]int{}
	live()
	w.client, w.server, w.listeners = client, server, listeners
}

// run lives a life in the client's namespace, hears what the kernel says of it and
// leaves nothing open.
func (w *world) run(live func(*world)) {
	if w.lacks != "" || w.err != nil {
		return
	}
	w.check("living", w.client.Do(func() error {
		live(w)
		return nil
	}))
	for _, n := range w.nets() {
		if w.err == nil && w.lacks == "" {
			heard, err := w.hear(n)
			w.check("listening to the kernel", err)
			w.heard[n] = heard
		}
	}
	for fd := range maps.Clone(w.fds) {
		w.close(fd)
	}
}

// check keeps the first error.
func (w *world) check(what string, err error) {
	if err != nil && w.err == nil {
		w.err = fmt.Errorf("%s: %w", what, err)
	}
}

// fails checks that a call failed as it should.
func (w *world) fails(what string, err error, want unix.Errno) {
	if !errors.Is(err, want) && w.err == nil {
		w.err = fmt.Errorf("%s: got %w, want %w", what, err, want)
	}
}

// lack skips the life where the kernel is older than what it needs.
func (w *world) lack(what string, err error, major, minor int) {
	if err != nil && !kernelAtLeast(w.t, major, minor) {
		w.lacks = fmt.Sprintf("%s came with Linux %d.%d: %v", what, major, minor, err)
		return
	}
	w.check(what, err)
}

// want adds an event that is to be told of a namespace.
func (w *world) want(n *lab.Netns, what, who, where string) {
	w.wants[n] = append(w.wants[n], tale{what, who, where})
}

// us is who owns what this process does.
func us(direction string) string { return fmt.Sprint(direction, " ", os.Getpid()) }

// socket makes one in a namespace: there it stays, whoever uses it.
func (w *world) socket(n *lab.Netns, domain, flags, protocol int) int {
	fd := -1
	err := n.Do(func() (err error) {
		fd, err = unix.Socket(domain, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|flags, protocol)
		return err
	})
	w.check("making a socket", err)
	if err == nil {
		w.fds[fd] = true
	}
	return fd
}

func domain(a netip.Addr) int {
	if a.Is4() {
		return unix.AF_INET
	}
	return unix.AF_INET6
}

// tcp is a socket of the client for an address.
func (w *world) tcp(to netip.AddrPort) int {
	return w.socket(w.client, domain(to.Addr()), 0, unix.IPPROTO_TCP)
}

func (w *world) set(fd, level, option, value int) {
	w.check("setting a socket option", unix.SetsockoptInt(fd, level, option, value))
}

func (w *world) sysctl(name, value string) { w.check("sysctl", w.client.Sysctl(name, value)) }

// narrow leaves the client few ports.
func (w *world) narrow(lo, hi uint16) { w.check("narrowing", w.client.PortRange(lo, hi)) }

func (w *world) close(fd int) {
	delete(w.fds, fd)
	w.check("closing", unix.Close(fd))
}

// reset closes without a FIN.
func (w *world) reset(fd int) {
	w.check("SO_LINGER", unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1}))
	w.close(fd)
}

// bind binds a socket of the client, with the words that tell of its options.
func (w *world) bind(fd int, to netip.AddrPort, options string) netip.AddrPort {
	w.check("binding", unix.Bind(fd, lab.Sockaddr(to)))
	at := lab.LocalAddr(fd)
	w.want(w.client, "bind"+options, us(""), at.String())
	return at
}

// listener is the server's for an address; the first time it is made.
func (w *world) listener(at netip.AddrPort) int {
	at = unmapped(at)
	fd, listens := w.listeners[at]
	if listens {
		return fd
	}
	fd = w.socket(w.server, domain(at.Addr()), 0, unix.IPPROTO_TCP)
	w.check("binding a listener", unix.Bind(fd, lab.Sockaddr(at)))
	w.listen(fd, at)
	w.want(w.server, "bind", us(""), netip.AddrPortFrom(at.Addr().WithZone(""), at.Port()).String())
	return fd
}

// listen makes a socket the listener for an address.
func (w *world) listen(fd int, at netip.AddrPort) {
	w.check("listening", unix.Listen(fd, 16))
	w.listeners[at] = fd
}

// accept takes the next connection.
func (w *world) accept(listener int) int {
	if !w.await(listener, unix.POLLIN) {
		return -1
	}
	fd, _, err := unix.Accept4(listener, unix.SOCK_CLOEXEC)
	w.check("accepting", err)
	if err == nil {
		w.fds[fd] = true
	}
	return fd
}

// await waits until a socket is ready. It does not wait in a life that is over.
func (w *world) await(fd int, events int16) bool {
	for deadline := time.Now().Add(patience); w.err == nil && w.lacks == ""; {
		left := max(0, time.Until(deadline).Milliseconds())
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: events}}, int(left))
		if err == unix.EINTR {
			continue
		}
		if n == 0 && err == nil {
			err = unix.ETIMEDOUT
		}
		w.check("waiting", err)
		return err == nil
	}
	return false
}

// read waits for what write has sent, or for the end; an error of the connection is an end too.
func (w *world) read(fd int) {
	if w.await(fd, unix.POLLIN) {
		_, _ = unix.Read(fd, make([]byte, 64))
	}
}

func (w *world) write(fd int) {
	_, err := unix.Write(fd, make([]byte, 64))
	w.check("writing", err)
}

// errorOf is the pending error of a socket.
func (w *world) errorOf(fd int) error {
	errno, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	w.check("SO_ERROR", err)
	if errno == 0 {
		return nil
	}
	return unix.Errno(errno)
}

// spawn starts a job that ends with the test at the latest.
func (w *world) spawn(job lab.Job, files ...*os.File) *lab.Proc {
	p, err := w.client.Spawn("job", job, files...)
	if err != nil {
		panic(err) // nothing will work here
	}
	w.t.Cleanup(p.Stop)
	return p
}

// conn is both ends of a connection.
type conn struct {
	*world
	ours, theirs      *lab.Netns
	fd, peer          int
	local, remote     netip.AddrPort // without zone, IPv4 where it is
	owner, peersOwner any            // a pid, or inKernel
}

// dial makes a connection.
func (w *world) dial(to netip.AddrPort) *conn { return w.dialBy(w.tcp(to), to) }

// dialBy makes it with a socket.
func (w *world) dialBy(fd int, to netip.AddrPort) *conn {
	listener := w.listener(to)
	w.check("connecting", unix.Connect(fd, lab.Sockaddr(to)))
	return w.connected(fd, to, listener)
}

// connected accepts what the socket has connected to.
func (w *world) connected(fd int, to netip.AddrPort, listener int) *conn {
	c := w.connOf(fd, to)
	c.peer = w.accept(listener)
	return c
}

// connOf is a connection without an other end.
func (w *world) connOf(fd int, to netip.AddrPort) *conn {
	c := &conn{
		world: w, ours: w.client, theirs: w.server, fd: fd, peer: -1,
		local: unmapped(lab.LocalAddr(fd)), remote: unmapped(netip.AddrPortFrom(to.Addr().WithZone(""), to.Port())),
		owner: os.Getpid(), peersOwner: os.Getpid(),
	}
	if c.local.Addr().IsUnspecified() { // a failed connect() forgets it; on loopback it is that of the server
		c.local = netip.AddrPortFrom(c.remote.Addr(), c.local.Port())
	}
	return c
}

// tells adds what is to be told of the outgoing end.
func (c *conn) tells(whats ...string) {
	for _, what := range whats {
		c.want(c.ours, what, fmt.Sprint("out ", c.owner), between(c.local, c.remote))
	}
}

// peerTells adds what is to be told of the accepted end.
func (c *conn) peerTells(what string) {
	c.want(c.theirs, what, fmt.Sprint("in ", c.peersOwner), between(c.remote, c.local))
}

// acknowledge receives a FIN and answers it at once, and not with what is sent next.
func (w *world) acknowledge(fd int) {
	w.read(fd)
	w.set(fd, unix.SOL_TCP, unix.TCP_QUICKACK, 1)
}

// halfClose sends a FIN to the peer and goes on receiving, once that is acknowledged.
func (w *world) halfClose(fd, peer int) {
	w.check("shutting down", unix.Shutdown(fd, unix.SHUT_WR))
	w.acknowledge(peer)
	for range 1000 {
		info, err := unix.GetsockoptTCPInfo(fd, unix.SOL_TCP, unix.TCP_INFO)
		if err != nil || event.State(info.State) != event.StateFinWait1 {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// release closes both ends in good order: each has seen the other's FIN before its close.
// So neither becomes an orphan, however long it takes.
func (w *world) release(first, second int) {
	w.halfClose(first, second)
	w.close(second)
	w.read(first)
	w.close(first)
}

// finish ends a connection in good order, and tells so with the words that belong to it.
func (c *conn) finish(words ...string) {
	c.release(c.fd, c.peer)
	c.tellEnd(words)
}

// promote ends a connection by close() alone: it leaves a FIN_WAIT2 bucket, which the
// server's FIN turns into a TIME_WAIT.
func (c *conn) promote(words ...string) {
	c.orphan(c.fd)
	c.follow(c.peer)
	c.tellEnd(words)
}

// orphan closes before the peer does.
func (w *world) orphan(fd int) {
	w.begin()
	w.close(fd)
}

// begin notes that what follows leaves an orphan.
func (w *world) begin() {
	if w.began.IsZero() {
		w.began = time.Now()
	}
}

// follow closes after the other end.
func (w *world) follow(fd int) {
	w.acknowledge(fd)
	w.close(fd)
}

func (c *conn) tellEnd(words []string) {
	more := strings.Join(append([]string{""}, words...), " ")
	c.tells("open"+more, "close local time_wait"+more)
	c.peerTells("close remote close_wait")
}

// finishAll finishes several.
func finishAll(conns []*conn) {
	for _, c := range conns {
		c.finish()
	}
}
