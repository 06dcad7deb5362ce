package kerneltest

import (
	"container/heap"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/linux"
	"github.com/porttrace/porttrace/internal/probe"
	"github.com/porttrace/porttrace/internal/whatif"
)

// combination is a load in a namespace of its own, whose failures the simulator must predict.
type combination struct {
	name     string
	ports    int
	reserved int    // of them
	reuse    string // tcp_tw_reuse
	delay    int    // tcp_tw_reuse_delay, ms; 0: the kernel's

	sources, destinations int
	early                 func(i int) bool // bind() before connect
	rate                  float64
	hold                  time.Duration
	reset                 bool // close without TIME_WAIT
	lasts                 time.Duration
	survives              bool
}

func each(int) bool           { return true }
func threeOfFour(i int) bool  { return i%4 != 0 }
func oneOfFive(i int) bool    { return i%5 == 0 }
func (c *combination) n() int { return int(c.rate * c.lasts.Seconds()) }

// Range, tcp_tw_reuse, destinations, early bind and load differ. Some need no TIME_WAIT to end,
// two wait for it. Where some bind early and others do not, it is random which ports are left:
// there are many of those.
var combinations = []combination{
	{name: "held", ports: 64, reuse: "0", sources: 1, destinations: 1, rate: 50, hold: time.Hour, lasts: 3 * time.Second},
	{name: "churn until TIME_WAIT ends", ports: 128, reuse: "0", sources: 1, destinations: 1, rate: 20, lasts: 68 * time.Second},
	{name: "reuse survives", ports: 128, reuse: "1", sources: 1, destinations: 1, rate: 80, lasts: 8 * time.Second, survives: true},
	{name: "reuse does not suffice", ports: 64, reuse: "1", sources: 1, destinations: 1, rate: 100, lasts: 8 * time.Second},
	{name: "reuse on loopback, later", ports: 64, reuse: "2", delay: 2000, sources: 1, destinations: 1, rate: 60, hold: 100 * time.Millisecond, lasts: 10 * time.Second},
	{name: "three destinations", ports: 64, reuse: "0", sources: 1, destinations: 3, rate: 60, lasts: 5 * time.Second},
	{name: "early bind", ports: 64, reuse: "0", sources: 1, destinations: 3, early: each, rate: 40, lasts: 4 * time.Second},
	{name: "early bind until TIME_WAIT ends", ports: 128, reuse: "1", sources: 1, destinations: 2, early: each, rate: 15, hold: 200 * time.Millisecond, lasts: 68 * time.Second},
	{name: "some bind early", ports: 512, reuse: "0", sources: 1, destinations: 2, early: oneOfFive, rate: 240, hold: time.Second, lasts: 7 * time.Second},
	{name: "three of four bind early, reuse", ports: 1024, reuse: "1", sources: 1, destinations: 2, early: threeOfFour, rate: 320, lasts: 6 * time.Second},
	{name: "reserved ports, two sources", ports: 96, reserved: 32, reuse: "0", sources: 2, destinations: 1, rate: 60, lasts: 5 * time.Second},
	{name: "reset after two seconds", ports: 64, reuse: "0", sources: 1, destinations: 1, rate: 40, hold: 2 * time.Second, reset: true, lasts: 8 * time.Second},
}

// Failures, and the time of the first one, are those of the kernel. All loads run at the same
// time.
func TestWhatifAgreesWithTheKernel(t *testing.T) {
	t.Parallel() // it mostly waits
	p := openProbe(t)
	runs := make([]combinationRun, len(combinations))
	var loads sync.WaitGroup
	for i := range combinations {
		r := &runs[i]
		r.combination = combinations[i]
		n := newNetns(t)
		serve(t, n, lab.Echo, r.ends()...)
		r.configure(t, n)
		r.fact = settingsOf(t, p, n)
		loads.Go(func() { r.err = n.Do(func() error { return r.log.run(&r.combination) }) })
	}
	loads.Wait()
	for i := range runs {
		t.Run(runs[i].name, runs[i].compare)
	}
}

// combinationRun is one that was run.
type combinationRun struct {
	combination
	fact event.Netns
	log  callLog
	err  error
}

// settingsOf returns what porttrace reads of a namespace.
func settingsOf(t *testing.T, p *probe.Probe, n *lab.Netns) event.Netns {
	t.Helper()
	all, err := p.Namespaces()
	noError(t, err)
	for _, fact := range all {
		if fact.Inode == n.Inode() {
			return fact
		}
	}
	t.Fatalf("namespace %d is not reported", n.Inode())
	return event.Netns{}
}

// ends are outside the range.
func (c *combination) ends() []netip.AddrPort {
	var ends []netip.AddrPort
	for i := range c.destinations {
		ends = append(ends, at(loopV4, uint16(80+i)))
	}
	return ends
}

func (c *combination) configure(t *testing.T, n *lab.Netns) {
	t.Helper()
	noError(t, n.PortRange(firstPort, uint16(firstPort+c.ports-1)), n.Sysctl("ipv4/tcp_tw_reuse", c.reuse))
	if c.reserved > 0 {
		noError(t, n.Sysctl("ipv4/ip_local_reserved_ports", fmt.Sprintf("%d-%d", firstPort, firstPort+c.reserved-1)))
	}
	if c.delay > 0 && n.Sysctl("ipv4/tcp_tw_reuse_delay", strconv.Itoa(c.delay)) != nil {
		t.Logf("%s: this kernel has no tcp_tw_reuse_delay, which is a second at most", c.name)
		c.rate *= 2
	}
}

// compare makes the load, and has the simulator say what becomes of the same calls.
func (r *combinationRun) compare(t *testing.T) {
	noError(t, r.err)
	c, log, fact := &r.combination, &r.log, &r.fact
	_, release := linux.Uname()
	config := whatif.Recorded(fact).OfKernel(release)
	config.Loopback = true
	system, err := config.Resolve()
	noError(t, err)
	system.Sources = c.sources
	system.TimerPhase -= time.Duration(log.begun)
	system.ReusePhase -= time.Duration(log.begun)
	if system.Ports != c.ports-c.reserved {
		t.Fatalf("the simulated system has %d ports", system.Ports)
	}
	got := whatif.SimulateArrivals(system, c.destinations, log.arrivals)
	t.Logf("of %d calls the kernel refused %d, the first after %s; simulated: %d, after %s",
		len(log.arrivals), log.failures, log.first, got.Failures, got.FirstFailure)
	if (log.failures == 0) != c.survives {
		t.Fatalf("%d calls have failed", log.failures)
	}
	if got.Survives != c.survives || !within5(float64(got.Failures), float64(log.failures)) {
		t.Errorf("%d failures are simulated, %d happened", got.Failures, log.failures)
	}
	if !c.survives && !within5(got.FirstFailure.Seconds(), log.first.Seconds()) {
		t.Errorf("the first failure is simulated after %s, it was after %s", got.FirstFailure, log.first)
	}
}

// within5 reports whether two figures are the same within 5 %.
func within5(got, want float64) bool { return math.Abs(got-want) <= 0.05*want }

// callLog is what became of the calls of a load.
type callLog struct {
	begun    event.Time
	arrivals []whatif.Arrival
	failures int
	first    time.Duration
	open     openSockets
}

// openSocket is one that is closed later.
type openSocket struct {
	fd, arrival int
	until       time.Duration
}

type openSockets []openSocket

func (o openSockets) Len() int           { return len(o) }
func (o openSockets) Less(i, j int) bool { return o[i].until < o[j].until }
func (o openSockets) Swap(i, j int)      { o[i], o[j] = o[j], o[i] }
func (o *openSockets) Push(x any)        { *o = append(*o, x.(openSocket)) }
func (o *openSockets) Pop() any {
	last := (*o)[len(*o)-1]
	*o = (*o)[:len(*o)-1]
	return last
}

func (l *callLog) now() time.Duration { return event.Time(linux.Monotonic()).Sub(l.begun) }

// run makes the load on this thread.
func (l *callLog) run(c *combination) error {
	l.begun = event.Time(linux.Monotonic())
	for i := range c.n() {
		due := time.Duration(float64(i) / c.rate * float64(time.Second))
		if err := l.closeUntil(due, c); err != nil {
			return err
		}
		time.Sleep(due - l.now())
		if err := l.call(c, i); err != nil {
			return err
		}
	}
	return l.closeUntil(time.Duration(math.MaxInt64), c)
}

// closeUntil closes the sockets whose time comes before a moment. Those that are held at the end
// are closed at once.
func (l *callLog) closeUntil(moment time.Duration, c *combination) error {
	for len(l.open) > 0 && l.open[0].until <= moment {
		s := heap.Pop(&l.open).(openSocket)
		if moment != math.MaxInt64 {
			time.Sleep(s.until - l.now())
		}
		closing := unix.Close
		if c.reset {
			closing = resetAndClose
		}
		a := &l.arrivals[s.arrival]
		a.Lifetime = l.now() - a.At
		if err := closing(s.fd); err != nil {
			return err
		}
	}
	return nil
}

// call makes one connection.
func (l *callLog) call(c *combination, i int) error {
	a := whatif.Arrival{
		Source: i % c.sources, Destination: i % c.destinations, Lifetime: c.hold, ServerCloses: c.reset,
		Early: c.early != nil && c.early(i),
	}
	local := netip.AddrFrom4([4]byte{127, 0, 0, byte(1 + a.Source)})
	fd, err := newSocket(local)
	if err != nil {
		return err
	}
	if !a.Early {
		if err := unix.SetsockoptInt(fd, unix.SOL_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1); err != nil {
			return err
		}
	}
	a.At = l.now()
	err = unix.Bind(fd, lab.Sockaddr(netip.AddrPortFrom(local, 0)))
	if err == nil {
		err = unix.Connect(fd, lab.Sockaddr(c.ends()[a.Destination]))
	}
	l.arrivals = append(l.arrivals, a)
	switch {
	case err == nil:
		heap.Push(&l.open, openSocket{fd: fd, arrival: len(l.arrivals) - 1, until: a.At + c.hold})
		return nil
	case errors.Is(err, unix.EADDRNOTAVAIL), errors.Is(err, unix.EADDRINUSE):
		if l.failures++; l.failures == 1 {
			l.first = a.At
		}
		return unix.Close(fd)
	}
	return fmt.Errorf("call %d, early %v: %w; the sockets at its port and those that listen:\n%s", i, a.Early, err, socketsBeside(fd))
}

// socketsBeside returns the lines of /proc/net/tcp, of the namespace of this thread, that have the port
// of a socket, and those of listeners.
func socketsBeside(fd int) string {
	table, _ := os.ReadFile("/proc/thread-self/net/tcp")
	port := fmt.Sprintf(":%04X ", lab.LocalAddr(fd).Port())
	var list []string
	for line := range strings.Lines(string(table)) {
		if strings.Contains(line, port) || strings.Contains(line, " 0A ") {
			list = append(list, line)
		}
	}
	return strings.Join(list, "")
}
