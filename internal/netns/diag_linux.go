package netns

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// sock_diag(7), as needed both to find sockets by their 4-tuple and to list all. The
// structs are those of include/uapi/linux/inet_diag.h.

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
	states   uint32 // a bit for each
	id       diagSocketID
}

type diagAnswer struct {
	family  uint8
	state   uint8
	timer   uint8
	retrans uint8
	id      diagSocketID
	expires uint32 // ms
	rqueue  uint32
	wqueue  uint32
	uid     uint32
	inode   uint32
}

const sockDiagByFamily = 20 // SOCK_DIAG_BY_FAMILY

var errShortDiag = errors.New("a short answer")

// openDiag opens sock_diag in the namespace of this thread.
func openDiag() (fd int, err error) {
	fd, err = unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, unix.NETLINK_INET_DIAG)
	if err != nil {
		return -1, fmt.Errorf("opening sock_diag: %w", err)
	}
	timeout := unix.NsecToTimeval(int64(time.Second))
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &timeout); err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("opening sock_diag: %w", err)
	}
	return fd, nil
}

// dump calls f with the sockets of a protocol and family that are in one of the states. It
// reads answers into buf.
func dump(fd int, protocol, family uint8, states uint32, buf []byte, f func(*diagAnswer)) error {
	r := diagRequest{
		header: unix.NlMsghdr{
			Len:  uint32(unsafe.Sizeof(diagRequest{})),
			Type: sockDiagByFamily, Flags: unix.NLM_F_REQUEST | unix.NLM_F_DUMP,
		},
		family: family, protocol: protocol, states: states,
	}
	message := unsafe.Slice((*byte)(unsafe.Pointer(&r)), unsafe.Sizeof(r))
	if err := unix.Sendto(fd, message, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return fmt.Errorf("asking sock_diag: %w", os.NewSyscallError("sendto", err))
	}
	for {
		n, _, err := unix.Recvfrom(fd, buf, 0)
		if err != nil {
			return fmt.Errorf("asking sock_diag: %w", os.NewSyscallError("recvfrom", err))
		}
		if done, err := eachAnswer(buf[:n], f); done || err != nil {
			return err
		}
	}
}

// eachAnswer calls f with the sockets of one message, and reports whether it is the last.
func eachAnswer(b []byte, f func(*diagAnswer)) (done bool, err error) {
	for len(b) >= unix.NLMSG_HDRLEN {
		header := (*unix.NlMsghdr)(unsafe.Pointer(unsafe.SliceData(b)))
		if int(header.Len) < unix.NLMSG_HDRLEN || int(header.Len) > len(b) {
			return false, fmt.Errorf("asking sock_diag: %w", errShortDiag)
		}
		body := b[unix.NLMSG_HDRLEN:header.Len]
		switch {
		case header.Type == unix.NLMSG_DONE, header.Type == unix.NLMSG_ERROR:
			return true, diagError(body)
		case len(body) >= int(unsafe.Sizeof(diagAnswer{})):
			f((*diagAnswer)(unsafe.Pointer(unsafe.SliceData(body))))
		}
		b = b[min(len(b), (int(header.Len)+unix.NLMSG_ALIGNTO-1)&^(unix.NLMSG_ALIGNTO-1)):]
	}
	return false, nil
}

// diagError returns the error at the end of a list. Without the module tcp_diag it is
// ENOENT after an empty list; without inet_diag sending fails already.
func diagError(body []byte) error {
	if len(body) < 4 {
		return nil
	}
	if code := int32(binary.NativeEndian.Uint32(body)); code < 0 {
		return fmt.Errorf("asking sock_diag: %w", unix.Errno(-code))
	}
	return nil
}

// IsForbidden reports whether the request was refused, and would be refused again.
func IsForbidden(err error) bool {
	return errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) || errors.Is(err, unix.EPROTONOSUPPORT)
}
