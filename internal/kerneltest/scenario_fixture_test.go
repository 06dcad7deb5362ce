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

// scenarioWait bounds each wait of a scenario.
const scenarioWait = 20 * time.Second

var (
	loopV4     = netip.MustParseAddrPort("127.0.0.1:80")
	loopV6     = netip.MustParseAddrPort("[::1]:80")
	loopMapped = netip.MustParseAddrPort("[::ffff:127.0.0.1]:80")
)

// fixture has the namespaces of one scenario, and the events that should be reported of it. It
// keeps the first error: calls after that do nothing useful and no harm.
type fixture struct {
	t              *testing.T
	client, server *lab.Netns
	unsupported    string // what this kernel lacks for the scenario; else empty
	err            error

	fds       map[int]bool // open descriptors
	listeners map[netip.AddrPort]int

	expected     map[*lab.Netns][]eventText
	counters     map[string]int // of the kernel, if they are not what the expected events add up to
	unseen       int            // buckets that were gone when porttrace asked for them
	shortBuckets int            // buckets of at most four seconds, which the kernel counts separately
	orderUnknown bool           // it is not known which end closes first, nor which process closes it
	noSysExit    bool           // system call exits do not show its binds and failures
	orphaned     time.Time      // when the first orphan was closed; zero: none was
	finLate      bool           // the FIN of an orphan's peer was late: see finWithin
	kernel       map[*lab.Netns]kernelState
}

func newFixture(t *testing.T, setup setup) *fixture {
	t.Helper()
	f := &fixture{
		t: t, fds: map[int]bool{}, listeners: map[netip.AddrPort]int{},
		expected: map[*lab.Netns][]eventText{}, counters: map[string]int{}, kernel: map[*lab.Netns]kernelState{},
	}
	f.client = newNetns(t)
	f.server = f.client
	if setup&fewBuckets != 0 {
		f.check("living", f.client.Do(func() error {
			f.sysctl("ipv4/tcp_max_tw_buckets", fmt.Sprint(bucketRoom))
			return nil
		}))
	}
	if setup&withProcess != 0 {
		spawn(t, f.client, "resident", &lab.Binder{For: jobLimit})
	}
	if setup&(overVeth|twoNetns) != 0 {
		f.server = newNetns(t)
	}
	if setup&overVeth == 0 {
		return f
	}
	err := lab.Link(f.client, f.server, clientAddrs, serverAddrs)
	if errors.Is(err, unix.EOPNOTSUPP) {
		f.unsupported = fmt.Sprintf("this kernel has no veth: %v", err)
	} else {
		f.check("linking", err)
	}
	return f
}

func (f *fixture) nets() []*lab.Netns {
	if f.client == f.server {
		return []*lab.Netns{f.client}
	}
	return []*lab.Netns{f.client, f.server}
}

// inNetns runs a function with both ends in one of the namespaces.
func (f *fixture) inNetns(n *lab.Netns, fn func()) {
	client, server, listeners := f.client, f.server, f.listeners
	f.client, f.server, f.listeners = n, n, map[netip.AddrPort]int{}
	fn()
	f.client, f.server, f.listeners = client, server, listeners
}

// run runs a scenario in the client's namespace, reads the kernel's state after it, and closes
// all that is open.
func (f *fixture) run(scenario func(*fixture)) {
	if f.unsupported != "" || f.err != nil {
		return
	}
	f.check("living", f.client.Do(func() error {
		scenario(f)
		return nil
	}))
	for _, n := range f.nets() {
		if f.err == nil && f.unsupported == "" {
			f.kernel[n] = f.readKernel(n)
		}
	}
	for fd := range maps.Clone(f.fds) {
		f.close(fd)
	}
}

// check keeps the first error.
func (f *fixture) check(what string, err error) {
	if err != nil && f.err == nil {
		f.err = fmt.Errorf("%s: %w", what, err)
	}
}

// failsWith checks that a call failed as it should.
func (f *fixture) failsWith(what string, err error, want unix.Errno) {
	if !errors.Is(err, want) && f.err == nil {
		f.err = fmt.Errorf("%s: got %w, want %w", what, err, want)
	}
}

// requires skips the scenario if the call failed and the kernel is older than the version.
func (f *fixture) requires(what string, err error, major, minor int) {
	if err != nil && !kernelAtLeast(f.t, major, minor) {
		f.unsupported = fmt.Sprintf("%s came with Linux %d.%d: %v", what, major, minor, err)
		return
	}
	f.check(what, err)
}

// expect adds an event that should be reported of a namespace.
func (f *fixture) expect(n *lab.Netns, what, owner, ends string) {
	f.expected[n] = append(f.expected[n], eventText{what, owner, ends})
}

// thisProcess returns the owner of what this process does.
func thisProcess(direction string) string { return fmt.Sprint(direction, " ", os.Getpid()) }

// socket makes a socket in a namespace, where it stays.
func (f *fixture) socket(n *lab.Netns, domain, flags, protocol int) int {
	fd := -1
	err := n.Do(func() (err error) {
		fd, err = unix.Socket(domain, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|flags, protocol)
		return err
	})
	f.check("making a socket", err)
	if err == nil {
		f.fds[fd] = true
	}
	return fd
}

// tcp makes a socket of the client for an address.
func (f *fixture) tcp(to netip.AddrPort) int {
	return f.socket(f.client, domain(to.Addr()), 0, unix.IPPROTO_TCP)
}

func (f *fixture) set(fd, level, option, value int) {
	f.check("setting a socket option", unix.SetsockoptInt(fd, level, option, value))
}

func (f *fixture) sysctl(name, value string) { f.check("sysctl", f.client.Sysctl(name, value)) }

// narrow leaves the client few ports.
func (f *fixture) narrow(lo, hi uint16) { f.check("narrowing", f.client.PortRange(lo, hi)) }

func (f *fixture) close(fd int) {
	delete(f.fds, fd)
	f.check("closing", unix.Close(fd))
}

// reset closes without a FIN.
func (f *fixture) reset(fd int) {
	delete(f.fds, fd)
	f.check("resetting", resetAndClose(fd))
}

// bind binds a socket of the client; options are the words of the event for its options.
func (f *fixture) bind(fd int, to netip.AddrPort, options string) netip.AddrPort {
	f.check("binding", unix.Bind(fd, lab.Sockaddr(to)))
	at := lab.LocalAddr(fd)
	f.expect(f.client, "bind"+options, thisProcess(""), at.String())
	return at
}

// listener returns the server's for an address, and makes it the first time.
func (f *fixture) listener(at netip.AddrPort) int {
	at = unmapped(at)
	fd, listens := f.listeners[at]
	if listens {
		return fd
	}
	fd = f.socket(f.server, domain(at.Addr()), 0, unix.IPPROTO_TCP)
	f.check("binding a listener", unix.Bind(fd, lab.Sockaddr(at)))
	f.listen(fd, at)
	f.expect(f.server, "bind", thisProcess(""), netip.AddrPortFrom(at.Addr().WithZone(""), at.Port()).String())
	return fd
}

// listen makes a socket the listener for an address.
func (f *fixture) listen(fd int, at netip.AddrPort) {
	f.check("listening", unix.Listen(fd, 16))
	f.listeners[at] = fd
}

// accept takes the next connection.
func (f *fixture) accept(listener int) int {
	if !f.await(listener, unix.POLLIN) {
		return -1
	}
	fd, _, err := unix.Accept4(listener, unix.SOCK_CLOEXEC)
	f.check("accepting", err)
	if err == nil {
		f.fds[fd] = true
	}
	return fd
}

// await waits until a socket is ready. It does not wait after an error.
func (f *fixture) await(fd int, events int16) bool {
	if f.err == nil && f.unsupported == "" {
		f.check("waiting", awaitPoll(fd, events, scenarioWait))
		return f.err == nil
	}
	return false
}

// awaitThat waits until a condition holds, or there is an error.
func (f *fixture) awaitThat(what string, holds func() bool) {
	if !waitFor(scenarioWait, func() bool { return f.err != nil || holds() }) {
		f.check("waiting for "+what, unix.ETIMEDOUT)
	}
}

// read waits for what write has sent, or for the end or an error of the connection.
func (f *fixture) read(fd int) {
	if f.await(fd, unix.POLLIN) {
		_, _ = unix.Read(fd, make([]byte, 64))
	}
}

func (f *fixture) write(fd int) {
	_, err := unix.Write(fd, make([]byte, 64))
	f.check("writing", err)
}

// pendingError returns the pending error of a socket.
func (f *fixture) pendingError(fd int) error {
	errno, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	f.check("SO_ERROR", err)
	if errno == 0 {
		return nil
	}
	return unix.Errno(errno)
}

// spawn starts a job that ends with the test at the latest.
func (f *fixture) spawn(job lab.Job, files ...*os.File) *lab.Proc {
	p, err := f.client.Spawn("job", job, files...)
	if err != nil {
		panic(err) // nothing will work here
	}
	f.t.Cleanup(p.Stop)
	return p
}

// conn has both ends of a connection.
type conn struct {
	*fixture
	ours, theirs      *lab.Netns
	fd, peer          int
	local, remote     netip.AddrPort // without zone; mapped IPv4 as IPv4
	owner, peersOwner any            // a pid, or inKernel
}

// dial makes a connection.
func (f *fixture) dial(to netip.AddrPort) *conn { return f.dialWith(f.tcp(to), to) }

// dialWith makes a connection with a socket.
func (f *fixture) dialWith(fd int, to netip.AddrPort) *conn {
	listener := f.listener(to)
	f.check("connecting", unix.Connect(fd, lab.Sockaddr(to)))
	return f.accepted(fd, to, listener)
}

// accepted accepts the connection of a socket that has connected.
func (f *fixture) accepted(fd int, to netip.AddrPort, listener int) *conn {
	c := f.newConn(fd, to)
	c.peer = f.accept(listener)
	return c
}

// newConn returns a connection without its other end.
func (f *fixture) newConn(fd int, to netip.AddrPort) *conn {
	c := &conn{
		fixture: f, ours: f.client, theirs: f.server, fd: fd, peer: -1,
		local: unmapped(lab.LocalAddr(fd)), remote: unmapped(netip.AddrPortFrom(to.Addr().WithZone(""), to.Port())),
		owner: os.Getpid(), peersOwner: os.Getpid(),
	}
	if c.local.Addr().IsUnspecified() { // a failed connect() forgets it; on loopback it is that of the server
		c.local = netip.AddrPortFrom(c.remote.Addr(), c.local.Port())
	}
	return c
}

// expectOut adds what should be reported of the outgoing end.
func (c *conn) expectOut(whats ...string) {
	for _, what := range whats {
		c.expect(c.ours, what, fmt.Sprint("out ", c.owner), between(c.local, c.remote))
	}
}

// expectIn adds what should be reported of the accepted end.
func (c *conn) expectIn(what string) {
	c.expect(c.theirs, what, fmt.Sprint("in ", c.peersOwner), between(c.remote, c.local))
}

// receiveFIN receives a FIN and acknowledges it at once, not with the next data.
func (f *fixture) receiveFIN(fd int) {
	f.read(fd)
	f.set(fd, unix.SOL_TCP, unix.TCP_QUICKACK, 1)
}

// halfClose sends a FIN to the peer, and returns when that is acknowledged.
func (f *fixture) halfClose(fd, peer int) {
	f.check("shutting down", unix.Shutdown(fd, unix.SHUT_WR))
	f.receiveFIN(peer)
	for range 1000 {
		info, err := unix.GetsockoptTCPInfo(fd, unix.SOL_TCP, unix.TCP_INFO)
		if err != nil || event.State(info.State) != event.StateFinWait1 {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// closeInOrder closes both ends in good order: each has seen the other's FIN before its close.
// So neither becomes an orphan, however long it takes.
func (f *fixture) closeInOrder(first, second int) {
	f.halfClose(first, second)
	f.close(second)
	f.read(first)
	f.close(first)
}

// finish ends a connection in good order and expects that, with further words of the event.
func (c *conn) finish(words ...string) {
	c.closeInOrder(c.fd, c.peer)
	c.expectActiveClose(words...)
}

// finishAsOrphan ends a connection by close() alone: it leaves a FIN_WAIT2 bucket, which the
// server's FIN turns into a TIME_WAIT.
func (c *conn) finishAsOrphan(words ...string) {
	c.closeAsOrphan(c.fd)
	c.closeSecond(c.peer)
	c.expectActiveClose(words...)
}

// closeAsOrphan closes before the peer does.
func (f *fixture) closeAsOrphan(fd int) {
	f.noteOrphan()
	f.close(fd)
}

// noteOrphan notes that what follows leaves an orphan.
func (f *fixture) noteOrphan() {
	if f.orphaned.IsZero() {
		f.orphaned = time.Now()
	}
}

// closeSecond closes after the other end.
func (f *fixture) closeSecond(fd int) {
	f.receiveFIN(fd)
	f.close(fd)
}

// expectActiveClose expects that the outgoing end closed first, with further words of its events.
func (c *conn) expectActiveClose(words ...string) {
	more := strings.Join(append([]string{""}, words...), " ")
	c.expectOut("open"+more, "close local time_wait"+more)
	c.expectIn("close remote close_wait")
}

// expectPassiveClose expects that the accepted end closed first.
func (c *conn) expectPassiveClose() {
	c.expectOut("open", "close remote close_wait")
	c.expectIn("close local time_wait")
}

// expectCloseWithoutBucket expects that the outgoing end closed first, and left no bucket.
func (c *conn) expectCloseWithoutBucket() {
	c.expectOut("open", "close local")
	c.expectIn("close remote close_wait")
}

// expectReset expects a reset, which comes from the one end or the other.
func (c *conn) expectReset(out, in string) {
	c.expectOut("open", "close reset "+out)
	c.expectIn("close reset " + in)
}

// expectRefused connects to a port on which no process listens.
func (f *fixture) expectRefused(fd int, to netip.AddrPort) {
	f.failsWith("connecting", unix.Connect(fd, lab.Sockaddr(to)), unix.ECONNREFUSED)
	f.newConn(fd, to).expectOut("open", "connect_fail ECONNREFUSED refused")
}

// finishAll finishes several.
func finishAll(conns []*conn) {
	for _, c := range conns {
		c.finish()
	}
}
