package netns

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/event"
)

// Tuple is a connection as its own host sees it.
type Tuple struct {
	Local, Remote event.Endpoint
}

// InTimeWait tells which of the connections have a bucket in TIME_WAIT now, and not
// one that still waits for the peer's FIN (its substate is FIN_WAIT2), nor none.
// It asks sock_diag(7) for each by name, which costs some 3 us and needs no dump;
// another namespace than the own is entered for it, which needs CAP_SYS_ADMIN.
func (n *Namespaces) InTimeWait(inode uint32, tuples []Tuple) ([]bool, error) {
	path, err := n.pathOf(inode)
	if err != nil {
		return nil, err
	}
	file, err := openNetns(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var in []bool
	err = inside(file, func() error {
		in, err = askBuckets(tuples)
		return err
	})
	return in, err
}

// pathOf is a file that stands for the namespace.
func (n *Namespaces) pathOf(inode uint32) (string, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	ns := n.found[inode]
	if ns == nil || !ns.readable() {
		n.rescan([]uint32{inode})
		ns = n.found[inode]
	}
	if ns == nil || !ns.readable() {
		return "", errUnseen
	}
	if ns.path != "" {
		return ns.path, nil
	}
	return procPath(ns.pid, "ns/net"), nil
}

// include/uapi/linux/inet_diag.h
type diagSocketID struct {
	sport, dport [2]byte // network byte order
	src, dst     [16]byte
	ifindex      uint32
	cookie       [2]uint32
}

type diagRequest struct {
	header   unix.NlMsghdr
	family   uint8
	protocol uint8
	ext      uint8
	_        uint8
	states   uint32
	id       diagSocketID
}

const (
	sockDiagByFamily = 20 // SOCK_DIAG_BY_FAMILY
	anyState         = ^uint32(0)
	noCookie         = ^uint32(0) // INET_DIAG_NOCOOKIE
	tcpTimeWait      = 6          // include/net/tcp_states.h
	askAtOnce        = 64         // requests in one message; all answers fit the socket's buffer
)

// askBuckets asks in the namespace of this thread.
func askBuckets(tuples []Tuple) ([]bool, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, unix.NETLINK_INET_DIAG)
	if err != nil {
		return nil, fmt.Errorf("open sock_diag: %w", err)
	}
	defer unix.Close(fd)
	timeout := unix.NsecToTimeval(int64(time.Second))
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &timeout); err != nil {
		return nil, fmt.Errorf("open sock_diag: %w", err)
	}
	in := make([]bool, len(tuples))
	for from := 0; from < len(tuples); from += askAtOnce {
		to := min(from+askAtOnce, len(tuples))
		if err := askSome(fd, tuples[from:to], in[from:to]); err != nil {
			return nil, fmt.Errorf("ask sock_diag: %w", err)
		}
	}
	return in, nil
}

// askSome sends all requests in one message. Each has one answer, with its number.
func askSome(fd int, tuples []Tuple, in []bool) error {
	requests := make([]diagRequest, len(tuples))
	for i, t := range tuples {
		requests[i] = newDiagRequest(uint32(i), t)
	}
	size := len(requests) * int(unsafe.Sizeof(diagRequest{}))
	message := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(requests))), size)
	if err := unix.Sendto(fd, message, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return os.NewSyscallError("sendto", err)
	}
	var buf [4096]byte
	for range tuples {
		n, _, err := unix.Recvfrom(fd, buf[:], 0)
		if err != nil {
			return os.NewSyscallError("recvfrom", err)
		}
		seq, state, err := parseDiagAnswer(buf[:n])
		if err != nil {
			return err
		}
		if int(seq) < len(in) {
			in[seq] = state == tcpTimeWait
		}
	}
	return nil
}

func newDiagRequest(seq uint32, t Tuple) diagRequest {
	r := diagRequest{
		header: unix.NlMsghdr{
			Len:  uint32(unsafe.Sizeof(diagRequest{})),
			Type: sockDiagByFamily, Flags: unix.NLM_F_REQUEST, Seq: seq,
		},
		family:   unix.AF_INET6,
		protocol: unix.IPPROTO_TCP,
		states:   anyState,
		id:       diagSocketID{cookie: [2]uint32{noCookie, noCookie}},
	}
	binary.BigEndian.PutUint16(r.id.sport[:], t.Local.Port)
	binary.BigEndian.PutUint16(r.id.dport[:], t.Remote.Port)
	r.id.src, r.id.dst = t.Local.Addr, t.Remote.Addr
	if t.Remote.Addr.Is4() { // IPv4 comes in the first four bytes
		r.family = unix.AF_INET
		r.id.src, r.id.dst = [16]byte{}, [16]byte{}
		copy(r.id.src[:], t.Local.Addr[12:])
		copy(r.id.dst[:], t.Remote.Addr[12:])
	}
	return r
}

// parseDiagAnswer returns the number of the request and the state of the socket, 0
// where there is none.
func parseDiagAnswer(b []byte) (seq uint32, state uint8, err error) {
	if len(b) < unix.NLMSG_HDRLEN+4 {
		return 0, 0, errors.New("a short answer")
	}
	header := (*unix.NlMsghdr)(unsafe.Pointer(unsafe.SliceData(b)))
	body := b[unix.NLMSG_HDRLEN:]
	if header.Type != unix.NLMSG_ERROR {
		return header.Seq, body[1], nil // struct inet_diag_msg: family, state
	}
	errno := unix.Errno(-int32(binary.NativeEndian.Uint32(body)))
	if errno == unix.ENOENT {
		return header.Seq, 0, nil
	}
	return header.Seq, 0, errno
}

// IsForbidden reports whether asking was refused, and would be again.
func IsForbidden(err error) bool {
	return errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) || errors.Is(err, unix.EPROTONOSUPPORT)
}
