package lab

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/sys/unix"
)

// request is one rtnetlink(7) message under construction.
type request struct{ buf []byte }

// newRequest begins a message of a type (RTM_*) with its fixed part, one of the
// unix.Ifinfomsg kind. The flags are added to those that every request needs.
func newRequest(typ, flags uint16, fixed any) *request {
	r := &request{}
	r.append(unix.NlMsghdr{
		Type:  typ,
		Flags: flags | unix.NLM_F_REQUEST | unix.NLM_F_ACK,
	})
	r.append(fixed)
	return r
}

// append adds a structure of fixed size, in the byte order of the machine.
func (r *request) append(v any) {
	buf, err := binary.Append(r.buf, binary.NativeEndian, v)
	if err != nil {
		panic(err) // v has no fixed size: a mistake in this package
	}
	r.buf = buf
}

// attr adds an attribute, padded to four bytes.
func (r *request) attr(typ uint16, value []byte) {
	r.nest(typ, func() { r.buf = append(r.buf, value...) })
	for len(r.buf)%unix.NLMSG_ALIGNTO != 0 {
		r.buf = append(r.buf, 0)
	}
}

func (r *request) attrString(typ uint16, value string) { r.attr(typ, append([]byte(value), 0)) }

func (r *request) attrUint32(typ uint16, value uint32) {
	r.attr(typ, binary.NativeEndian.AppendUint32(nil, value))
}

// nest adds an attribute whose value is what fn appends.
func (r *request) nest(typ uint16, fn func()) {
	start := len(r.buf)
	r.append(unix.RtAttr{Type: typ})
	fn()
	binary.NativeEndian.PutUint16(r.buf[start:], uint16(len(r.buf)-start))
}

// send sends the message to rtnetlink in the namespace of the calling thread and
// waits for the kernel's verdict.
func (r *request) send() error {
	answer, err := r.ask(unix.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("rtnetlink: %w", err)
	}
	return verdict(answer)
}

// ask sends the message and returns the first answer.
func (r *request) ask(protocol int) ([]byte, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, protocol)
	if err != nil {
		return nil, fmt.Errorf("opening: %w", err)
	}
	defer unix.Close(fd)
	binary.NativeEndian.PutUint32(r.buf, uint32(len(r.buf)))
	if err := unix.Sendto(fd, r.buf, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return nil, fmt.Errorf("sending: %w", err)
	}
	var answer [4096]byte
	size, _, err := unix.Recvfrom(fd, answer[:], 0)
	if err != nil {
		return nil, fmt.Errorf("receiving: %w", err)
	}
	return answer[:size], nil
}

// verdict reads an NLMSG_ERROR message: a header and a negative errno, 0 being
// success (netlink(7)).
func verdict(msg []byte) error {
	if len(msg) < unix.NLMSG_HDRLEN+4 {
		return fmt.Errorf("netlink answered %d bytes", len(msg))
	}
	if typ := binary.NativeEndian.Uint16(msg[4:]); typ != unix.NLMSG_ERROR {
		return fmt.Errorf("netlink answered message type %d", typ)
	}
	errno := -int32(binary.NativeEndian.Uint32(msg[unix.NLMSG_HDRLEN:]))
	if errno != 0 {
		return unix.Errno(errno)
	}
	return nil
}
