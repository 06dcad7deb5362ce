package kerneltest

import (
	"encoding/binary"
	"math"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// deafen drops every packet that a socket gets.
func (w *world) deafen(fd int) {
	w.filter(fd, unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K})
}

// deafenToHeaders drops all that brings no data, as acknowledgements do. A header of TCP
// has 60 bytes at most, and here it has 32.
func (w *world) deafenToHeaders(fd int) {
	w.filter(fd,
		unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_LEN},
		unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JGT | unix.BPF_K, K: 60, Jf: 1},
		unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: math.MaxUint16},
		unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K})
}

func (w *world) filter(fd int, program ...unix.SockFilter) {
	fprog := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	w.check("SO_ATTACH_FILTER", unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &fprog))
}

func (w *world) undeafen(fd int) { w.set(fd, unix.SOL_SOCKET, unix.SO_DETACH_FILTER, 0) }

// disconnect dissolves the connection of a socket, connect(2).
func (w *world) disconnect(fd int) {
	unspecified := unix.RawSockaddr{Family: unix.AF_UNSPEC}
	_, _, errno := unix.Syscall(unix.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&unspecified)), unsafe.Sizeof(unspecified))
	if errno != 0 {
		w.check("disconnecting", errno)
	}
}

// bothCloseAtOnce makes two FINs cross: each socket gets the other's as it was before the
// other knew of its own. So both go through CLOSING. Neither hears anything until both
// have sent theirs; then the first FINs are sent again as they were.
func bothCloseAtOnce(w *world) {
	c := w.dial(loopV4)
	tap := w.tap()
	c.deafen(c.fd)
	c.deafen(c.peer)
	c.check("shutting down", unix.Shutdown(c.fd, unix.SHUT_WR))
	c.check("shutting down", unix.Shutdown(c.peer, unix.SHUT_WR))
	ours, theirs := tap.fin(c.local.Port()), tap.fin(c.remote.Port())
	c.undeafen(c.fd)
	tap.send(theirs) // its acknowledgement is not heard
	c.undeafen(c.peer)
	tap.send(ours)
	c.read(c.fd)
	c.read(c.peer)
	c.tells("open", "close local time_wait")
	c.peerTells("close local time_wait")
}

// tap reads and writes the frames of the client's loopback device, packet(7).
type tap struct {
	*world
	fd   int
	seen [][]byte
}

const loopIndex = 1 // the number of the first device of a namespace

func (w *world) tap() *tap {
	protocol := binary.NativeEndian.Uint16([]byte{unix.ETH_P_IP >> 8, unix.ETH_P_IP & 0xff})
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, int(protocol))
	w.check("opening a packet socket", err)
	if err == nil {
		w.fds[fd] = true
		w.check("binding to a device", unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: protocol, Ifindex: loopIndex}))
	}
	return &tap{world: w, fd: fd}
}

// What is looked at of a frame: 14 bytes of Ethernet, 20 of IPv4, TCP.
const (
	sportAt = 34
	flagsAt = 47
	finFlag = 1
)

// fin waits for the first FIN that comes from a port.
func (p *tap) fin(port uint16) []byte {
	for deadline := time.Now().Add(patience); p.err == nil; {
		for _, frame := range p.seen {
			if len(frame) > flagsAt && binary.BigEndian.Uint16(frame[sportAt:]) == port && frame[flagsAt]&finFlag != 0 {
				return frame
			}
		}
		if time.Now().After(deadline) {
			p.check("waiting for a FIN", unix.ETIMEDOUT)
		}
		if p.await(p.fd, unix.POLLIN) {
			frame := make([]byte, 2048)
			n, err := unix.Read(p.fd, frame)
			p.check("reading a frame", err)
			p.seen = append(p.seen, frame[:max(0, n)])
		}
	}
	return nil
}

func (p *tap) send(frame []byte) {
	if p.err == nil {
		p.check("sending a frame", unix.Sendto(p.fd, frame, 0, &unix.SockaddrLinklayer{Ifindex: loopIndex}))
	}
}
