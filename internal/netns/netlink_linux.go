package netns

import (
	"encoding/binary"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// maxDump bounds the datagrams of one dump: 10,000 chains take some 100 of them.
const maxDump = 1 << 12

// dumpNetlink calls f with the body of each message that a part of the kernel answers in the
// namespace of this thread, to a request with that body.
func dumpNetlink(protocol int, kind uint16, body []byte, f func(body []byte)) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, protocol)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	timeout := unix.NsecToTimeval(int64(time.Second))
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &timeout); err != nil {
		return os.NewSyscallError("setsockopt", err)
	}
	request := make([]byte, nlHeaderLen, nlHeaderLen+len(body))
	binary.NativeEndian.PutUint32(request, uint32(cap(request)))
	binary.NativeEndian.PutUint16(request[4:], kind)
	binary.NativeEndian.PutUint16(request[6:], unix.NLM_F_REQUEST|unix.NLM_F_DUMP)
	request = append(request, body...)
	if err := unix.Sendto(fd, request, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return os.NewSyscallError("sendto", err)
	}
	buf := make([]byte, 64<<10)
	for range maxDump {
		n, _, err := unix.Recvfrom(fd, buf, 0)
		if err != nil {
			return os.NewSyscallError("recvfrom", err)
		}
		if done, err := readDump(buf[:n], f); done || err != nil {
			return err
		}
	}
	return fmt.Errorf("more than %d answers", maxDump)
}

// readDump reads a datagram of a dump, and reports whether it was the last one.
func readDump(b []byte, f func(body []byte)) (done bool, err error) {
	err = eachMessage(b, func(kind, flags uint16, body []byte) error {
		switch {
		case flags&nlInterrupted != 0:
			return unix.EINTR
		case kind == nlDone:
			done = true
		case kind == nlError && len(body) >= 4:
			return unix.Errno(-int32(binary.NativeEndian.Uint32(body)))
		default:
			f(body)
		}
		return nil
	})
	return done, err
}
