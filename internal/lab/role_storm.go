package lab

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Storm opens and closes connections on the loopback device as fast as it can or
// may, both ends in one thread, and reports a StormResult. It measures what a tracer
// costs.
type Storm struct {
	Reset   bool          // close with SO_LINGER 0: six state changes a connection, no TIME_WAIT; else ten, and one
	For     time.Duration // how long; 0: a minute
	Count   int           // how many connections at most; 0: no matter
	Threads int           // 0: one
	Rate    float64       // connections per second at most; 0: as many as there can be
	// Destinations is the number of destination addresses. Each is a port space of its own, of
	// which none should ever be near half full: connect gets slow then. 0: 1,024.
	Destinations int
}

// StormResult is what a storm did.
type StormResult struct {
	Connections int
	Seconds     float64
	CPU         float64 // seconds of user and system time of the process
}

const (
	// stormPort is the port of the first thread's listener, the next thread has
	// the next. They lie below the range of NewStormNetns.
	stormPort = 1000
	// stormDests is the number of destination addresses by default.
	stormDests = 1024
	// stormCheck is after how many connections a thread reads the clock, and waits if it has a rate.
	stormCheck = 64
)

// NewStormNetns makes a namespace in which a storm does not run out of ports or
// of TIME_WAIT buckets.
func NewStormNetns() (*Netns, error) {
	n, err := NewNetns()
	if err != nil {
		return nil, err
	}
	err = errors.Join(
		n.PortRange(1024, 65535),
		n.Sysctl("ipv4/tcp_max_tw_buckets", "4000000"),
	)
	if err != nil {
		return nil, errors.Join(err, n.Close())
	}
	return n, nil
}

func (s *Storm) role() string         { return "storm" }
func (s *Storm) limit() time.Duration { return s.For }

func (s *Storm) run(ctx context.Context, out *json.Encoder) error {
	threads := max(1, s.Threads)
	counts, errs := make([]int, threads), make([]error, threads)
	before, err := cpuSeconds()
	if err != nil {
		return err
	}
	start := time.Now()
	var wg sync.WaitGroup
	for i := range threads {
		wg.Go(func() { counts[i], errs[i] = s.blow(ctx, stormPort+i, s.Count/threads) })
	}
	wg.Wait()
	elapsed := time.Since(start)
	after, err := cpuSeconds()
	if err := errors.Join(append(errs, err)...); err != nil {
		return err
	}
	result := StormResult{Seconds: elapsed.Seconds(), CPU: after - before}
	for _, n := range counts {
		result.Connections += n
	}
	return out.Encode(result)
}

// blow is one thread of the storm: it listens, and connects to itself.
func (s *Storm) blow(ctx context.Context, port, bound int) (int, error) {
	runtime.LockOSThread()
	at := netip.AddrPortFrom(netip.IPv4Unspecified(), uint16(port))
	listener, err := listen(at, 0)
	if err != nil {
		return 0, fmt.Errorf("listening on %s: %w", at, err)
	}
	// Not 127.0.0.0, which is a broadcast address and not one to connect to.
	to := &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 1, 0, 0}}
	dests := cmp.Or(s.Destinations, stormDests)
	pace := newPacer(s.Rate/float64(max(1, s.Threads))/stormCheck, 0, 1)
	for n := 0; ; n++ {
		if bound > 0 && n == bound || n%stormCheck == 0 && !pace.wait(ctx) {
			return n, unix.Close(listener)
		}
		dest := n % dests
		to.Addr[2], to.Addr[3] = byte(dest>>8), byte(dest)
		if err := s.connection(listener, to); err != nil {
			return n, fmt.Errorf("connection %d: %w", n, err)
		}
	}
}

// connection is a whole life of both ends. Nothing in it waits: when connect(2)
// returns, the loopback device has carried the handshake, but on a host whose
// softirqs are behind. So its cost is that of the kernel, and not of the scheduler,
// which varies by half from run to run.
func (s *Storm) connection(listener int, to *unix.SockaddrInet4) error {
	client, err := Socket{Linger0: s.Reset}.open(false)
	if err != nil {
		return err
	}
	if err := unix.Connect(client, to); err != nil {
		return errors.Join(fmt.Errorf("connecting: %w", err), unix.Close(client))
	}
	server, err := accept(listener)
	if err != nil {
		return errors.Join(fmt.Errorf("accepting: %w", err), unix.Close(client))
	}
	return errors.Join(unix.Close(client), unix.Close(server))
}

// acceptLimit is how long the end of a handshake may take, in ms.
const acceptLimit = 5000

// accept takes a connection, and waits for it only if it is not there yet.
func accept(listener int) (int, error) {
	for {
		server, _, err := unix.Accept4(listener, unix.SOCK_CLOEXEC)
		if !errors.Is(err, unix.EAGAIN) {
			return server, err
		}
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(listener), Events: unix.POLLIN}}, acceptLimit)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return 0, err
		}
		if err == nil && n == 0 {
			return 0, fmt.Errorf("no connection within %d ms", acceptLimit)
		}
	}
}

// cpuSeconds returns the CPU time of the process so far.
func cpuSeconds() (float64, error) {
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
		return 0, fmt.Errorf("reading rusage: %w", err)
	}
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e9, nil
}
