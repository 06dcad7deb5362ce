package netns

import (
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/event"
)

// Tuple is a connection as its own host sees it.
type Tuple struct {
	Local, Remote event.Endpoint
}

// Bucket is the kernel's time-wait bucket of a connection that was closed.
type Bucket uint8

const (
	NoBucket   Bucket = iota // nothing: the 4-tuple is free
	InFinWait2               // it still waits for the peer's FIN
	InTimeWait
)

// Buckets returns the bucket that each of these closed connections has now. It asks
// sock_diag(7) for each by its 4-tuple, which costs some 3 us and needs no dump. It needs
// CAP_SYS_ADMIN, unless this program is in that namespace itself.
func (n *Namespaces) Buckets(inode uint32, tuples []Tuple) (buckets []Bucket, err error) {
	err = n.Inside(inode, func() error {
		buckets, err = askBuckets(tuples)
		return err
	})
	return buckets, err
}

const (
	anyState  = ^uint32(0)
	noCookie  = ^uint32(0) // INET_DIAG_NOCOOKIE
	askAtOnce = 64         // requests in one message; all answers fit the socket's buffer
	askAgain  = 1024       // requests at most for those that were not found
)

// The states of a bucket, include/net/tcp_states.h.
var buckets = map[uint8]Bucket{5: InFinWait2, 6: InTimeWait}

// askBuckets is Buckets in the namespace of this thread.
func askBuckets(tuples []Tuple) ([]Bucket, error) {
	fd, err := openDiag()
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	requests := make([]diagRequest, len(tuples))
	for i, t := range tuples {
		requests[i] = newDiagRequest(uint32(i), t)
	}
	found := make([]Bucket, len(tuples))
	if err := askAll(fd, requests, found); err != nil {
		return nil, err
	}
	return found, askDevices(fd, requests, found)
}

// askDevices asks again for those that were not found: a socket that is bound to a device,
// as one with a link-local address is, is found by its device only.
func askDevices(fd int, requests []diagRequest, found []Bucket) error {
	requests = slices.DeleteFunc(requests, func(r diagRequest) bool { return found[r.header.Seq] != NoBucket })
	if len(requests) == 0 {
		return nil
	}
	devices, err := net.Interfaces()
	if err != nil || len(devices)*len(requests) > askAgain {
		return err
	}
	for _, device := range devices {
		for i := range requests {
			requests[i].id.ifindex = uint32(device.Index)
		}
		if err := askAll(fd, requests, found); err != nil {
			return err
		}
	}
	return nil
}

func askAll(fd int, requests []diagRequest, found []Bucket) error {
	for some := range slices.Chunk(requests, askAtOnce) {
		if err := askSome(fd, some, found); err != nil {
			return fmt.Errorf("asking sock_diag: %w", err)
		}
	}
	return nil
}

// askSome sends all requests in one message. Each has one answer, with its number.
func askSome(fd int, requests []diagRequest, found []Bucket) error {
	size := len(requests) * int(unsafe.Sizeof(diagRequest{}))
	message := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(requests))), size)
	if err := unix.Sendto(fd, message, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return os.NewSyscallError("sendto", err)
	}
	var buf [4096]byte
	for range requests {
		n, _, err := unix.Recvfrom(fd, buf[:], 0)
		if err != nil {
			return os.NewSyscallError("recvfrom", err)
		}
		seq, state, err := parseDiagAnswer(buf[:n])
		if err != nil {
			return err
		}
		if bucket, is := buckets[state]; is && int(seq) < len(found) {
			found[seq] = bucket
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

// parseDiagAnswer returns the number of the request and the state of the socket, 0 if there
// is none.
func parseDiagAnswer(b []byte) (seq uint32, state uint8, err error) {
	if len(b) < unix.NLMSG_HDRLEN+4 {
		return 0, 0, errShortDiag
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
