package probe

import (
	"errors"
	"fmt"
	"io"
	"time"
	"unsafe"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/linux"
)

// ErrNoCensus is returned if the signal census is off.
var ErrNoCensus = errors.New("BPF iterators cannot be used on this kernel")

// Sockets appends every TCP socket and bucket of the network namespace of
// the calling thread. Holders, which must have been read just before, have the owners; nil
// leaves them unknown. Sockets that are only bound are not in the tables that it scans: they
// are appended by Holders.Bound.
//
// Expiry is that of a bucket whose timer was set to 60 s. The flag FinWait2 marks a bucket that waits for the peer's FIN, NoTimestamps one that is never
// reused. Direction is Out if
// connect() chose the port, else unknown.
//
// Sockets whose port is outside the range, if that is known, are left out: a server can have
// any number of them, and they take no port of the port space. At most limit are appended, and it
// is counted how many are left out. After an error none is appended.
func (p *Probe) Sockets(dst *event.FoundList, limit int, ports event.PortRange, holders *Holders) (leftOut int, err error) {
	begin, now := dst.Len(), event.Time(linux.Monotonic())
	err = each(p, socketsIter, func(s *bpfCensusSocket) {
		switch {
		case ports.Known() && !ports.Holds(s.Sport):
			return
		case dst.Len()-begin >= limit:
			leftOut++
			return
		}
		found := decodeSocket(s, now)
		holders.assignOwner(s, &found)
		dst.Add(&found)
	})
	if err != nil {
		dst.Truncate(begin)
		return 0, fmt.Errorf("scanning sockets: %w", err)
	}
	return leftOut, nil
}

func decodeSocket(s *bpfCensusSocket, now event.Time) event.FoundSocket {
	f := event.FoundSocket{
		Direction:   direction(s.Direction),
		Flags:       flags(s.Flags),
		State:       event.State(s.State),
		Device:      s.Device,
		SocketRange: event.PortRange{Low: s.Low, High: s.High},
		Src:         event.Endpoint{Addr: s.Saddr, Port: s.Sport},
		Cookie:      s.Cookie,
	}
	if f.State != event.StateListen {
		f.Dst = event.Endpoint{Addr: s.Daddr, Port: s.Dport}
	}
	if f.State == event.StateTimeWait {
		f.Expiry = max(now, event.Time(s.Expiry))
	}
	return f
}

// Namespaces returns the settings by which ports are allocated in each network namespace
// that a thread of a visible process is in. Name and TimeWait are not set: only package
// netns can read them.
func (p *Probe) Namespaces() ([]event.Netns, error) {
	var found []event.Netns
	known := map[uint32]bool{}
	err := each(p, namespacesIter, func(n *bpfCensusNetns) {
		if !known[n.Inode] {
			known[n.Inode] = true
			found = append(found, decodeNetns(n))
		}
	})
	if err != nil {
		return nil, fmt.Errorf("reading the settings of namespaces: %w", err)
	}
	return found, nil
}

func decodeNetns(n *bpfCensusNetns) event.Netns {
	shift := wheelShift(linux.Jiffy())
	step := linux.Jiffy() << shift
	elapsed := linux.Jiffy() * time.Duration(n.Jiffies&(1<<shift-1)) // since the step began
	var unprivileged event.Counter
	if n.HasUnprivilegedPort != 0 {
		unprivileged = event.CounterOf(uint64(n.UnprivilegedPort))
	}
	return event.Netns{
		Inode:       n.Inode,
		TimeWait:    -1,
		Cookie:      n.Cookie,
		Ports:       event.PortRange{Low: n.Low, High: n.High},
		Reserved:    portList(&n.Reserved),
		Reuse:       n.Reuse,
		ReuseDelay:  uint64(n.ReuseDelayMs) * uint64(time.Millisecond),
		MaxTimeWait: int64(n.MaxTimeWait),
		Timestamps:  event.SettingOf(n.Timestamps),
		FinTimeout:  uint64(n.FinTimeout) * uint64(linux.Jiffy()),

		NonlocalBind:     event.SettingOf(n.NonlocalBind),
		UnprivilegedPort: unprivileged,
		TimeWaitSetting:  uint64(n.TimeWait) * uint64(linux.Jiffy()),

		TimerStep: uint64(step),
		// How much of the tick had passed is not known. An expiry that is a step late is better
		// than one that is early: the next scan corrects it.
		TimerAt: event.Time(n.Now).Add(-elapsed - linux.Jiffy()),
	}
}

// chunkSize is twice the kernel's buffer (bpf_seq_read() of kernel/bpf/bpf_iter.c), so that
// one read empties it.
const chunkSize = 64 << 10

// each calls f for every record of an iterator. The iterator runs in the network and pid
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
	return eachRecord(r, chunk, f)
}

// eachRecord calls f for every record that r gives, in whatever pieces.
func eachRecord[T any](r io.Reader, chunk *[chunkSize]byte, f func(*T)) error {
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
