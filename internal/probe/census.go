package probe

import (
	"errors"
	"fmt"
	"io"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/event"
)

// ErrNoCensus says that the signal "census" is off.
var ErrNoCensus = errors.New("this kernel's iterators cannot be used")

// Sockets appends a SocketFound for every TCP socket and TIME_WAIT bucket of the network
// namespace that the calling thread is in. Holders, read just before, tell the owners;
// they may be nil. Ports that are only bound belong to no list that this goes through:
// Holders.Bound has them.
//
// All have the time at which the look began. Of a bucket Last is when its timer fires, if it
// was set for a minute. The flag FinWait2 is on one that still waits for
// the peer's FIN. The direction is Out where connect() chose the port, else unknown.
//
// Of those whose port is outside the range nothing is appended, unless it is zero: a server
// has any number of them, and they take no port from anybody. Nor is more than the limit.
func (p *Probe) Sockets(dst []event.Event, limit int, ports event.PortRange, holders *Holders) ([]event.Event, error) {
	begin, now := len(dst), monotonic()
	err := each(p, socketsIter, func(s *bpfCensusSocket) {
		if ports.Known() && !ports.Holds(s.Sport) || len(dst)-begin >= limit {
			return
		}
		dst = append(dst, event.Event{})
		e := &dst[len(dst)-1]
		decodeSocket(s, now, e)
		holders.own(s.Sk, e)
	})
	if err != nil {
		return dst[:begin], fmt.Errorf("reading all sockets: %w", err)
	}
	return dst, nil
}

func decodeSocket(s *bpfCensusSocket, now event.Time, e *event.Event) {
	*e = event.Event{
		Time:      now,
		Kind:      event.SocketFound,
		Direction: event.Direction(s.Direction),
		Proto:     event.TCP,
		Flags:     flags(s.Flags),
		State:     event.State(s.State),
		Device:    s.Device,
		Ports:     event.PortRange{Low: s.Low, High: s.High},
		Netns:     s.Netns,
		Src:       event.Endpoint{Addr: s.Saddr, Port: s.Sport},
		Cookie:    s.Cookie,
		Count:     1,
	}
	if e.State != event.StateListen {
		e.Dst = event.Endpoint{Addr: s.Daddr, Port: s.Dport}
	}
	if e.State == event.StateTimeWait {
		e.First, e.Last = now, max(now, event.Time(s.Expiry))
	}
}

// Namespaces tells how each network namespace hands out ports that a thread of a visible
// process is in. What only netns knows, its name and its count of buckets, is left out.
func (p *Probe) Namespaces() ([]event.Netns, error) {
	var found []event.Netns
	told := map[uint32]bool{}
	err := each(p, namespacesIter, func(n *bpfCensusNetns) {
		if !told[n.Inode] {
			told[n.Inode] = true
			found = append(found, decodeNetns(n))
		}
	})
	if err != nil {
		return nil, fmt.Errorf("reading the configuration of namespaces: %w", err)
	}
	return found, nil
}

func decodeNetns(n *bpfCensusNetns) event.Netns {
	shift := wheelShift(tick())
	step := tick() << shift
	into := tick() * time.Duration(n.Jiffies&(1<<shift-1)) // the step that is under way
	return event.Netns{
		Inode:       n.Inode,
		TimeWait:    -1,
		Cookie:      n.Cookie,
		Ports:       event.PortRange{Low: n.Low, High: n.High},
		Reserved:    portList(&n.Reserved),
		Reuse:       n.Reuse,
		ReuseDelay:  uint64(n.ReuseDelayMs) * uint64(time.Millisecond),
		MaxTimeWait: int64(n.MaxTimeWait),
		TimerStep:   uint64(step),
		// How much of a tick had passed is not told. Rather a bucket ends a step too late here
		// than too early: the next census then takes it away.
		TimerAt: event.Time(n.Now).Add(-into - tick()),
	}
}

// chunkSize is twice what the kernel buffers (bpf_seq_read() of kernel/bpf/bpf_iter.c), so
// that a read takes all of it.
const chunkSize = 64 << 10

// each hands every record of an iterator to f. The program runs in the network and pid
// namespaces of the calling thread.
func each[T any](p *Probe, name string, f func(*T)) error {
	it, ok := p.iters[name]
	if !ok {
		return ErrNoCensus
	}
	r, err := it.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	chunk := p.chunks.Get().(*[chunkSize]byte)
	defer p.chunks.Put(chunk)
	size := int(unsafe.Sizeof(*new(T)))
	have := 0
	for {
		n, err := r.Read(chunk[have:])
		have += n
		at := 0
		for ; at+size <= have; at += size {
			f((*T)(unsafe.Pointer(&chunk[at])))
		}
		have = copy(chunk[:], chunk[at:have])
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func monotonic() event.Time {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts) // fails for a bad clock only
	return event.Time(ts.Nano())
}
