package kerneltest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/lab"
)

// mix is a namespace with a small range whose ports are taken in all possible ways, and the port
// space that is filled then.
type mix struct {
	*rand.Rand
	name           string
	net            *lab.Netns
	resident       *lab.Proc // it keeps the namespace visible
	low, size      uint16
	reserved       string
	reuse          int        // tcp_tw_reuse
	unstamped      bool       // tcp_timestamps is 0 now
	local          netip.Addr // the space
	remote         netip.AddrPort
	shown          event.Occupancy // of the space, before it is filled
	shownUnstamped int

	listeners map[netip.AddrPort]int
	fds       []int
	waiting   []netip.AddrPort // ports in TIME_WAIT
	log       []string         // what was done, for the message of a failure
}

// The addresses of each family that a mix uses, the wildcard last.
var mixAddrs = map[bool][]netip.Addr{
	false: {netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("127.0.0.2"), netip.MustParseAddr("127.0.0.3"), netip.IPv4Unspecified()},
	true:  {netip.IPv6Loopback(), netip.MustParseAddr("fd02::2"), netip.MustParseAddr("fd02::3"), netip.IPv6Unspecified()},
}

// Servers listen outside the range.
const (
	mixServers    = 2
	mixServerPort = 9000
)

func newMix(t *testing.T, name string, random *rand.Rand) *mix {
	t.Helper()
	m := &mix{
		Rand: random, name: name, net: newNetns(t), low: uint16(20000 + random.IntN(10000)), size: []uint16{32, 64}[random.IntN(2)],
		listeners: map[netip.AddrPort]int{},
	}
	m.reuse = random.IntN(3)
	noError(t, m.net.PortRange(m.low, m.low+m.size-1), m.net.Sysctl("ipv4/tcp_tw_reuse", strconv.Itoa(m.reuse)))
	if random.IntN(4) == 0 {
		noError(t, m.net.Sysctl("ipv4/tcp_max_tw_buckets", strconv.Itoa(random.IntN(int(m.size)/4))))
	}
	if random.IntN(2) == 0 {
		first := m.anyPort()
		m.reserved = fmt.Sprintf("%d-%d,%d", first, first+uint16(random.IntN(5)), m.anyPort())
		noError(t, m.net.Sysctl("ipv4/ip_local_reserved_ports", m.reserved))
	}
	for _, addr := range mixAddrs[true][1:3] {
		noError(t, m.net.AddAddr("lo", netip.PrefixFrom(addr, 128)))
		// The route comes later, by a worker of the kernel (addrconf_dad_work).
		eventually(t, "an address of the namespace", func() bool { return m.net.Do(func() error { return reach(addr) }) == nil })
	}
	m.resident = spawn(t, m.net, "resident", &lab.Binder{For: jobLimit})
	v6 := random.IntN(3) == 0
	m.local, m.remote = m.anyAddr(v6), m.anyServer(v6)
	if m.local.IsLoopback() != m.remote.Addr().IsLoopback() { // IPv6 has no route between these
		m.local = m.remote.Addr()
	}
	noError(t, m.net.Do(m.takePorts))
	return m
}

// reach finds a route to the address.
func reach(addr netip.Addr) error {
	fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	return errors.Join(unix.Connect(fd, lab.Sockaddr(netip.AddrPortFrom(addr, mixServerPort))), unix.Close(fd))
}

// takePorts takes ports in random ways.
func (m *mix) takePorts() error {
	for _, v6 := range []bool{false, true} {
		for i := range uint16(mixServers) {
			any := mixAddrs[v6][3]
			if _, err := m.listen(netip.AddrPortFrom(any, mixServerPort+i)); err != nil {
				return err
			}
		}
	}
	for range int(m.size)/4 + m.IntN(int(m.size)*3/4) {
		way := mixWays[m.IntN(len(mixWays))]
		v6 := m.IntN(4) == 0
		did, err := way.take(m, v6)
		m.log = append(m.log, fmt.Sprintf("%s %s", way.name, did))
		if err != nil && !isExpected(err) {
			return fmt.Errorf("%s %s: %w", way.name, did, err)
		}
	}
	return nil
}

// isExpected reports whether a way may fail like this: the port is taken, or, IPv6 only, there is
// no route between two addresses.
func isExpected(err error) bool {
	return errors.Is(err, unix.EADDRINUSE) || errors.Is(err, unix.EADDRNOTAVAIL) || errors.Is(err, unix.ENETUNREACH)
}

// mixWays are ways to take a port.
var mixWays = []struct {
	name string
	take func(m *mix, v6 bool) (string, error)
}{
	{"connected", func(m *mix, v6 bool) (string, error) { return m.connect(v6, netip.AddrPort{}, hold) }},
	{"connected", func(m *mix, v6 bool) (string, error) { return m.connect(v6, netip.AddrPort{}, hold) }},
	{"connected and closed", func(m *mix, v6 bool) (string, error) { return m.connect(v6, netip.AddrPort{}, closeFirst) }},
	{"connected and closed by the peer", func(m *mix, v6 bool) (string, error) { return m.connect(v6, netip.AddrPort{}, closeLast) }},
	{"connected and orphaned", func(m *mix, v6 bool) (string, error) { return m.connect(v6, netip.AddrPort{}, orphan) }},
	{"bound after TIME_WAIT", func(m *mix, _ bool) (string, error) { return m.bindWaiting() }},
	{"early bound", func(m *mix, v6 bool) (string, error) { return m.connect(v6, m.anyBind(v6), hold) }},
	{"early bound and closed", func(m *mix, v6 bool) (string, error) { return m.connect(v6, m.anyBind(v6), closeFirst) }},
	{"bound", func(m *mix, v6 bool) (string, error) { return m.bindOnly(v6, true) }},
	{"touched", func(m *mix, v6 bool) (string, error) { return m.bindOnly(v6, false) }},
	{"listening", func(m *mix, v6 bool) (string, error) { return m.serve(v6, hold, true) }},
	{"accepted", func(m *mix, v6 bool) (string, error) { return m.serve(v6, hold, false) }},
	{"accepted and closed", func(m *mix, v6 bool) (string, error) { return m.serve(v6, closeFirst, m.IntN(2) == 0) }},
}

// ending is how a connection ends.
type ending int

const (
	hold       ending = iota // not before the mix does
	closeFirst               // it leaves its TIME_WAIT bucket
	closeLast                // the peer has that
	orphan                   // it is closed, the peer never: a FIN_WAIT2 bucket
)

func (m *mix) anyPort() uint16 { return m.low + uint16(m.IntN(int(m.size))) }
func (m *mix) anyAddr(v6 bool) netip.Addr {
	return mixAddrs[v6][m.IntN(3)]
}

func (m *mix) anyServer(v6 bool) netip.AddrPort {
	return netip.AddrPortFrom(mixAddrs[v6][m.IntN(2)], mixServerPort+uint16(m.IntN(mixServers)))
}

// anyBind returns what to bind to: mostly a port that the kernel chooses.
func (m *mix) anyBind(v6 bool) netip.AddrPort {
	at := netip.AddrPortFrom(mixAddrs[v6][m.IntN(4)], 0)
	if m.IntN(3) == 0 {
		at = netip.AddrPortFrom(at.Addr(), m.anyPort())
	}
	return at
}

// socket makes a socket that the mix closes at its end.
func (m *mix) socket(a netip.Addr) (int, error) {
	fd, err := newSocket(a)
	if err == nil {
		m.fds = append(m.fds, fd)
	}
	return fd, err
}

func (m *mix) close(fd int) error {
	m.fds = slices.DeleteFunc(m.fds, func(open int) bool { return open == fd })
	return unix.Close(fd)
}

func (m *mix) bound(at netip.AddrPort, options ...int) (int, error) {
	fd, err := m.socket(at.Addr())
	if err != nil {
		return fd, err
	}
	for _, option := range options {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, option, 1); err != nil {
			return fd, err
		}
	}
	if at.Addr() == netip.IPv6Unspecified() { // else it would take the port of IPv4 too
		if err := unix.SetsockoptInt(fd, unix.SOL_IPV6, unix.IPV6_V6ONLY, 1); err != nil {
			return fd, err
		}
	}
	if err := unix.Bind(fd, lab.Sockaddr(at)); err != nil {
		return fd, errors.Join(err, m.close(fd))
	}
	return fd, nil
}

func (m *mix) listen(at netip.AddrPort) (int, error) {
	fd, err := m.bound(at, unix.SO_REUSEADDR)
	if err != nil {
		return fd, err
	}
	m.listeners[at] = fd
	return fd, unix.Listen(fd, int(m.size)+16)
}

// connect makes a connection to a server: from a bound port, else from any address
// and a port that connect() chooses.
func (m *mix) connect(v6 bool, from netip.AddrPort, how ending) (string, error) {
	to, source := m.anyServer(v6), m.anyAddr(v6)
	if m.IntN(2) == 0 { // in the space that is filled
		v6, to, source = m.local.Is6(), m.remote, m.local
		if from.IsValid() && from.Addr().Is6() != v6 {
			from = m.anyBind(v6)
		}
	}
	if err := m.stamp(); err != nil {
		return "timestamps", err
	}
	var fd int
	var err error
	if from.IsValid() {
		fd, err = m.bound(from)
	} else {
		fd, err = m.late(source)
	}
	if err != nil {
		return fmt.Sprint(from), err
	}
	if err := unix.Connect(fd, lab.Sockaddr(to)); err != nil {
		return fmt.Sprint(from, " > ", to), errors.Join(err, m.close(fd))
	}
	local := lab.LocalAddr(fd)
	if how == closeFirst {
		m.waiting = append(m.waiting, local)
	}
	text := fmt.Sprint(local, " > ", to, " without timestamps: ", m.unstamped)
	return text, m.finish(fd, m.listeners[netip.AddrPortFrom(mixAddrs[v6][3], to.Port())], how)
}

// late makes a socket with an address whose port connect() chooses.
func (m *mix) late(addr netip.Addr) (int, error) {
	fd, err := m.socket(addr)
	if err != nil {
		return fd, err
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1); err != nil {
		return fd, err
	}
	return fd, unix.Bind(fd, lab.Sockaddr(netip.AddrPortFrom(addr, 0)))
}

// finish accepts the other end of a connection and ends it.
func (m *mix) finish(fd, listener int, how ending) error {
	peer, _, err := unix.Accept4(listener, unix.SOCK_CLOEXEC)
	if err != nil {
		return fmt.Errorf("accepting: %w", err)
	}
	m.fds = append(m.fds, peer)
	switch how {
	case closeFirst:
		return m.release(fd, peer)
	case closeLast:
		return m.release(peer, fd)
	case orphan:
		return m.close(fd)
	}
	return nil
}

// stamp turns TCP timestamps off or on, for both ends of the connections to come.
func (m *mix) stamp() error {
	if m.IntN(4) != 0 {
		return nil
	}
	m.unstamped = !m.unstamped
	value := map[bool]string{false: "1", true: "0"}[m.unstamped]
	return os.WriteFile("/proc/sys/net/ipv4/tcp_timestamps", []byte(value), 0)
}

// bindWaiting binds a port that is in TIME_WAIT, at an address next to it.
func (m *mix) bindWaiting() (string, error) {
	if len(m.waiting) == 0 {
		return "none", nil
	}
	from := m.waiting[m.IntN(len(m.waiting))]
	addrs := mixAddrs[from.Addr().Is6()]
	at := netip.AddrPortFrom(addrs[(slices.Index(addrs, from.Addr())+1)%3], from.Port())
	_, err := m.bound(at)
	return at.String(), err
}

// release closes both ends, the second after it has seen the first one's FIN.
func (m *mix) release(first, second int) error {
	if err := m.close(first); err != nil {
		return err
	}
	if _, err := unix.Read(second, make([]byte, 1)); err != nil {
		return err
	}
	return m.close(second)
}

// bindOnly binds a port; one that is not kept leaves a mark in its bucket while others
// hold that.
func (m *mix) bindOnly(v6, keep bool) (string, error) {
	at := netip.AddrPortFrom(mixAddrs[v6][m.IntN(4)], m.anyPort())
	options := [][]int{nil, {unix.SO_REUSEADDR}, {unix.SO_REUSEPORT}}[m.IntN(3)]
	fd, err := m.bound(at, options...)
	if err != nil || keep {
		return fmt.Sprint(at, options), err
	}
	return fmt.Sprint(at, options), m.close(fd)
}

// serve listens on a port of the range and accepts a connection, of which the accepted
// end closes first. The listener can go and leave the accepted end.
func (m *mix) serve(v6 bool, how ending, stays bool) (string, error) {
	at := netip.AddrPortFrom(m.anyAddr(v6), m.anyPort())
	listener, err := m.listen(at)
	if err != nil {
		return at.String(), err
	}
	fd, err := m.late(m.anyAddr(v6))
	if err != nil {
		return at.String(), err
	}
	if err := unix.Connect(fd, lab.Sockaddr(at)); err != nil {
		return fmt.Sprint(at, " < ", lab.LocalAddr(fd)), errors.Join(err, m.close(fd))
	}
	text := fmt.Sprint(at, " < ", lab.LocalAddr(fd), " stays: ", stays)
	if how == closeFirst { // the accepted end, which is the other way round here
		how = closeLast
	}
	err = m.finish(fd, listener, how)
	if !stays {
		err = errors.Join(err, m.close(listener))
	}
	return text, err
}

// fill connects until no port is left, and returns how often it could.
func (m *mix) fill() (count int, err error) {
	err = m.net.Do(func() error {
		for ; ; count++ {
			fd, err := m.late(m.local)
			if err != nil {
				return err
			}
			err = unix.Connect(fd, lab.Sockaddr(m.remote))
			if errors.Is(err, unix.EADDRNOTAVAIL) {
				return nil
			}
			if err != nil || count > int(m.size) {
				return fmt.Errorf("connection %d: %w", count, err)
			}
		}
	})
	return count, err
}

// end removes the mix: each scan goes through every namespace.
func (m *mix) end(t *testing.T) {
	t.Helper()
	var err error
	for _, fd := range m.fds {
		err = errors.Join(err, unix.Close(fd))
	}
	m.resident.Stop()
	if err := errors.Join(err, m.net.Close()); err != nil {
		t.Error(err)
	}
}
