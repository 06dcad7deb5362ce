package lab

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"net/netip"
	"os"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Client opens connections, one after the other in each thread, and reports a
// Result. Its options make it behave or misbehave:
//
//   - churn: Rate;
//   - early binding: Bind with port 0;
//   - leak: Rate and Hold;
//   - burst: Hold and Threads.
type Client struct {
	Socket
	To      []netip.AddrPort // destinations, in turn
	Spread  int              // as many IPv4 addresses in place of each of them, from it on, in turn; 0: one
	Count   int              // how many connections to try; 0: as many as For allows
	For     time.Duration    // when to end at the latest; 0: after a minute
	Rate    float64          // connections to try a second, all threads together; 0: no pause
	Threads int              // 0: one

	Talk      bool // send a byte and wait for the answer before closing
	AwaitPeer bool // let the peer close first
	Hold      bool // close nothing before the standard input is closed
	List      bool // report each try

	ReportFailure bool // report the Result at the first connect that fails, too
}

// talkTimeout bounds the wait for an answer, and that of a connect that does not
// block.
const talkTimeout = 10 * time.Second

func (c *Client) role() string         { return "client" }
func (c *Client) limit() time.Duration { return c.For }

func (c *Client) run(ctx context.Context, out *json.Encoder) error {
	if len(c.To) == 0 {
		return errors.New("no destination")
	}
	if c.Hold {
		if err := raiseFiles(c.Count); err != nil {
			return err
		}
	}
	w := &clientWork{Client: c, out: out, result: newResult(os.Getpid())}
	var threads sync.WaitGroup
	for number := range max(1, c.Threads) {
		threads.Go(func() { w.loop(ctx, number) })
	}
	threads.Wait()
	if w.err != nil {
		return w.err
	}
	if err := out.Encode(w.result); err != nil {
		return err
	}
	if c.Hold {
		<-ctx.Done()
	}
	return w.closeHeld()
}

// clientWork is the state that the threads of a Client share.
type clientWork struct {
	*Client
	mu       sync.Mutex
	begun    int
	out      *json.Encoder
	result   *Result
	reported bool // the first failure
	held     []int
	err      error // of a call that should not fail: the job ends
}

// loop is one thread of the client.
func (w *clientWork) loop(ctx context.Context, number int) {
	runtime.LockOSThread()
	pace := newPacer(w.Rate, number, max(1, w.Threads))
	for pace.wait(ctx) {
		to, ok := w.next()
		if !ok {
			return
		}
		fd, try, err := w.connect(to)
		w.done(fd, try, err)
	}
}

// next returns the next destination, as long as there is one to try.
func (w *clientWork) next() (netip.AddrPort, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil || w.Count > 0 && w.begun == w.Count {
		return netip.AddrPort{}, false
	}
	w.begun++
	return w.destination(w.begun - 1), true
}

// destination returns that of the connection with a number, from 0 on.
func (c *Client) destination(number int) netip.AddrPort {
	to := c.To[number%len(c.To)]
	if c.Spread == 0 {
		return to
	}
	first := to.Addr().As4()
	binary.BigEndian.PutUint32(first[:], binary.BigEndian.Uint32(first[:])+uint32(number/len(c.To)%c.Spread))
	return netip.AddrPortFrom(netip.AddrFrom4(first), to.Port())
}

// done counts a try and closes its socket or holds it. A socket of -1 is closed.
func (w *clientWork) done(fd int, try Try, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil {
		w.err = err
		return
	}
	w.result.count(try, w.List)
	if w.ReportFailure && try.Op == "connect" && !w.reported {
		w.reported = true
		w.err = w.out.Encode(w.result)
	}
	if fd >= 0 {
		w.held = append(w.held, fd)
	}
}

func (w *clientWork) closeHeld() error {
	for _, fd := range w.held {
		if err := unix.Close(fd); err != nil {
			return err
		}
	}
	return nil
}

// connect makes one connection. It returns the socket only if it is held;
// an error is one of the lab, not of the connection.
func (c *Client) connect(to netip.AddrPort) (int, Try, error) {
	try := Try{Remote: to}
	fd, err := c.open(!to.Addr().Is4())
	if err != nil {
		return -1, try, err
	}
	if try.Op, err = c.use(fd, to); err != nil {
		try.Errno = errnoName(err)
	}
	if c.List {
		try.Local = LocalAddr(fd)
	}
	if c.Hold && (try.Op == "" || try.Op == "talk") {
		return fd, try, nil
	}
	return -1, try, unix.Close(fd)
}

// use connects and uses a socket up to the close. It returns the operation that failed.
func (c *Client) use(fd int, to netip.AddrPort) (op string, err error) {
	if err := c.bind(fd); err != nil {
		return "bind", err
	}
	err = unix.Connect(fd, Sockaddr(to))
	if errors.Is(err, unix.EINPROGRESS) && c.Nonblock {
		err = awaitConnect(fd)
	}
	if err != nil {
		return "connect", err
	}
	if c.Talk {
		if err := talk(fd); err != nil {
			return "talk", err
		}
	}
	if c.AwaitPeer {
		if err := awaitEOF(fd); err != nil {
			return "talk", err
		}
	}
	return "", nil
}

// awaitConnect waits until a connect that did not block is decided.
func awaitConnect(fd int) error {
	if err := await(fd, unix.POLLOUT); err != nil {
		return err
	}
	errno, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err != nil {
		return err
	}
	if errno != 0 {
		return unix.Errno(errno)
	}
	return nil
}

func talk(fd int) error {
	if _, err := unix.Write(fd, []byte{'?'}); err != nil {
		return err
	}
	n, err := readByte(fd)
	if err == nil && n == 0 {
		return io.ErrUnexpectedEOF
	}
	return err
}

func awaitEOF(fd int) error {
	for {
		if n, err := readByte(fd); n == 0 || err != nil {
			return err
		}
	}
}

func readByte(fd int) (int, error) {
	if err := await(fd, unix.POLLIN); err != nil {
		return 0, err
	}
	var b [1]byte
	return unix.Read(fd, b[:])
}

// await waits until a socket is ready, ETIMEDOUT after talkTimeout.
func await(fd int, events int16) error {
	deadline := time.Now().Add(talkTimeout)
	for {
		left := time.Until(deadline).Milliseconds()
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: events}}, int(max(0, left)))
		if err == unix.EINTR {
			continue
		}
		if err == nil && n == 0 {
			return unix.ETIMEDOUT
		}
		return err
	}
}
