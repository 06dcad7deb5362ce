package netns

import (
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"time"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/linux"
)

// Sockets appends every TCP socket and TIME_WAIT bucket of the namespace,
// at most limit of them. They are listed by sock_diag(7), or by /proc/PID/net/tcp and tcp6 if
// the namespace may not be entered or the kernel has no tcp_diag. It is for hosts whose
// kernel has no iterators (probe.Sockets), and fewer fields are known: no owners, no
// socket port ranges, in /proc no cookies and devices. Before Linux 6.8, and in /proc,
// sockets that are only bound are missing.
//
// That a port is OwnedByBind is inferred: it is the port of a listener, or of a socket that
// is only bound. Ports of connections that were bound before are missed. The direction is
// Out while a connect() waits for its answer, else unknown.
//
// The second result has the inode of each socket that was appended, by which
// procinfo.SocketHolders finds owners; 0 if no process has it open.
func (n *Namespaces) Sockets(inode uint32, dst []event.FoundSocket, limit int) ([]event.FoundSocket, []uint64, error) {
	l := lister{inode: inode, sockets: dst, begin: len(dst), limit: limit}
	err := n.Inside(inode, l.dump)
	if err != nil {
		l.reset()
		if l.readFiles(n) != nil {
			return dst, nil, err
		}
	}
	l.inferOwned()
	return l.sockets, l.inodes, nil
}

// lister collects sockets.
type lister struct {
	inode   uint32
	sockets []event.FoundSocket
	begin   int
	limit   int
	inodes  []uint64
}

func (l *lister) full() bool { return len(l.sockets)-l.begin >= l.limit }

func (l *lister) reset() { l.sockets, l.inodes = l.sockets[:l.begin], nil }

// States by the bits of a request, include/net/tcp_states.h. Kernels before 91051f003948
// ("tcp: Dump bound-only sockets in inet_diag.", 6.8) list none in the last.
const (
	boundInactive = 13
	listedStates  = 1<<12 - 1<<1 | 1<<boundInactive
)

// timerTimeWait is the kind of timer that sock_diag and /proc/net/tcp show for a bucket. It
// distinguishes a bucket that waits for the peer's FIN from a socket in FIN_WAIT2.
const timerTimeWait = 3

// dump appends the sockets of this thread's namespace.
func (l *lister) dump() error {
	fd, err := openDiag()
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	buf := make([]byte, 64<<10)
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		if err := dump(fd, unix.IPPROTO_TCP, family, listedStates, buf, l.addAnswer); err != nil {
			return err
		}
	}
	return nil
}

func (l *lister) addAnswer(a *diagAnswer) {
	if l.full() {
		return
	}
	e := l.addSocket(a.state, a.timer, time.Duration(a.expires)*time.Millisecond, uint64(a.inode))
	e.Src = event.Endpoint{Addr: a.id.src, Port: binary.BigEndian.Uint16(a.id.sport[:])}
	e.Dst = event.Endpoint{Addr: a.id.dst, Port: binary.BigEndian.Uint16(a.id.dport[:])}
	e.Cookie = uint64(a.id.cookie[1])<<32 | uint64(a.id.cookie[0])
	e.Device = a.id.ifindex
	if a.family == unix.AF_INET { // it comes in the first four bytes
		e.Src.Addr, e.Dst.Addr = mapped([4]byte(a.id.src[:])), mapped([4]byte(a.id.dst[:]))
	}
	l.finish(e, a.family == unix.AF_INET6)
}

// addSocket appends a socket without addresses, which the caller must set.
func (l *lister) addSocket(state, timer uint8, left time.Duration, inode uint64) *event.FoundSocket {
	l.inodes = append(l.inodes, inode)
	l.sockets = append(l.sockets, event.FoundSocket{State: event.State(state)})
	e := &l.sockets[len(l.sockets)-1]
	switch {
	case timer == timerTimeWait:
		if e.State == event.StateFinWait2 {
			e.Flags |= event.FinWait2
		}
		e.State, e.Expiry = event.StateTimeWait, event.Time(linux.Monotonic()).Add(left)
	case state == boundInactive:
		e.State = event.StateBound
	case e.State == event.StateSynSent:
		e.Direction = event.Out
	}
	return e
}

// finish removes the remote end 0.0.0.0 or :: of sockets that have none.
func (l *lister) finish(e *event.FoundSocket, v6 bool) {
	switch {
	case e.State == event.StateListen, e.State == event.StateBound:
		e.Dst = event.Endpoint{}
	case v6 && e.Dst.Addr.Is4():
		e.Flags |= event.Mapped
	}
}

// inferOwned marks the ports that bind() owns, as far as they are known.
func (l *lister) inferOwned() {
	owned := map[uint16]bool{}
	for i := range l.sockets[l.begin:] {
		e := &l.sockets[l.begin+i]
		if e.State == event.StateListen || e.State == event.StateBound {
			owned[e.Src.Port] = true
		}
	}
	for i := range l.sockets[l.begin:] {
		if e := &l.sockets[l.begin+i]; owned[e.Src.Port] {
			e.Flags |= event.OwnedByBind
		}
	}
}

// readFiles appends the sockets by the files of a process in the namespace.
func (l *lister) readFiles(n *Namespaces) error {
	ns, err := n.find(l.inode)
	if err != nil {
		return err
	}
	for _, name := range []string{"tcp", "tcp6"} {
		err := ns.read(name, func(r io.Reader) error { return parseSockets(r, l.addLine) })
		if err != nil && (name == "tcp" || !errors.Is(err, fs.ErrNotExist)) { // without IPv6 there is no tcp6
			return err
		}
	}
	return nil
}

func (l *lister) addLine(s *socketLine) {
	if l.full() {
		return
	}
	e := l.addSocket(s.state, s.timer, s.left, s.inode)
	e.Src, e.Dst = s.local, s.remote
	l.finish(e, s.v6)
}
