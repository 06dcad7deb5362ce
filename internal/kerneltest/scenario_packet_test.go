package kerneltest

import (
	"encoding/binary"
	"math"
	"time"

	"golang.org/x/sys/unix"
)

// dropPackets drops every packet that a socket gets.
func (f *fixture) dropPackets(fd int) {
	f.filter(fd, unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K})
}

// dropWithoutData drops packets without data, as acknowledgements are. A TCP header has at most
// 60 bytes, and here it has 32.
func (f *fixture) dropWithoutData(fd int) {
	f.filter(fd,
		unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_LEN},
		unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JGT | unix.BPF_K, K: 60, Jf: 1},
		unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: math.MaxUint16},
		unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K})
}

func (f *fixture) filter(fd int, program ...unix.SockFilter) {
	fprog := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	f.check("SO_ATTACH_FILTER", unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &fprog))
}

func (f *fixture) stopDropping(fd int) { f.set(fd, unix.SOL_SOCKET, unix.SO_DETACH_FILTER, 0) }

// bothCloseAtOnce makes two FINs cross: each socket gets the other's as it was before the
// other knew of its own. So both go through CLOSING. Neither receives anything until both
// have sent theirs; then the first FINs are sent again as they were.
func bothCloseAtOnce(f *fixture) {
	c := f.dial(loopV4)
	tap := f.tap()
	c.dropPackets(c.fd)
	c.dropPackets(c.peer)
	c.check("shutting down", unix.Shutdown(c.fd, unix.SHUT_WR))
	c.check("shutting down", unix.Shutdown(c.peer, unix.SHUT_WR))
	ours, theirs := tap.fin(c.local.Port()), tap.fin(c.remote.Port())
	c.stopDropping(c.fd)
	tap.send(theirs) // its acknowledgement is dropped
	c.stopDropping(c.peer)
	tap.send(ours)
	c.read(c.fd)
	c.read(c.peer)
	c.expectOut("open", "close local time_wait")
	c.expectIn("close local time_wait")
}

// tap reads and writes the frames of the client's loopback device, packet(7).
type tap struct {
	*fixture
	fd   int
	seen [][]byte
}

const loopIndex = 1 // the number of the first device of a namespace

func (f *fixture) tap() *tap {
	protocol := binary.NativeEndian.Uint16([]byte{unix.ETH_P_IP >> 8, unix.ETH_P_IP & 0xff})
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, int(protocol))
	f.check("opening a packet socket", err)
	if err == nil {
		f.fds[fd] = true
		f.check("binding to a device", unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: protocol, Ifindex: loopIndex}))
	}
	return &tap{fixture: f, fd: fd}
}

// Offsets in a frame: 14 bytes of Ethernet, 20 of IPv4, then TCP.
const (
	sportAt = 34
	flagsAt = 47
	finFlag = 1
)

// fin waits for the first FIN that comes from a port.
func (p *tap) fin(port uint16) []byte {
	for deadline := time.Now().Add(scenarioWait); p.err == nil; {
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
