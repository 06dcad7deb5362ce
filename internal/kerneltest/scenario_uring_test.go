package kerneltest

import (
	"encoding/binary"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Connections that no connect(2) makes: io_uring(7) works within its own system call, or
// in a thread of the kernel's that belongs to the process.
var uringScenarios = []scenario{
	{"io_uring", plain, func(f *fixture) {
		fd := f.tcp(loopV4)
		listener := f.listener(loopV4)
		f.check("connecting", f.uring().connect(fd, loopV4, 0))
		f.accepted(fd, loopV4, listener).finish()
	}},
	{"io_uring in a worker", plain, func(f *fixture) {
		fd := f.tcp(loopV4)
		listener := f.listener(loopV4)
		f.check("connecting", f.uring().connect(fd, loopV4, sqeAsync))
		f.accepted(fd, loopV4, listener).finish()
	}},
	{"io_uring, refused", plain, func(f *fixture) {
		fd := f.tcp(loopV4)
		f.failsWith("connecting", f.uring().connect(fd, loopV4, sqeAsync), unix.ECONNREFUSED)
		f.newConn(fd, loopV4).expectOut("open", "connect_fail ECONNREFUSED refused")
	}},
	{"io_uring finds no port", plain, func(f *fixture) {
		f.narrow(firstPort, lastPort)
		conns := f.dialMany(loopV4, fewPorts)
		f.failsWith("connecting", f.uring().connect(f.tcp(loopV4), loopV4, 0), unix.EADDRNOTAVAIL)
		f.expect(f.client, noPortLeft, thisProcess("out"), between("-", loopV4))
		finishAll(conns)
	}},
	{"io_uring finds no route", plain, func(f *fixture) {
		f.noSysExit = true
		f.failsWith("connecting", f.uring().connect(f.tcp(loopV4), unusedV4, 0), unix.ENETUNREACH)
		f.expect(f.client, "connect_fail ENETUNREACH unreachable", thisProcess("out"), between("-", unusedV4))
	}},
}

// include/uapi/linux/io_uring.h
type uringParams struct {
	sqEntries, cqEntries, flags uint32
	_                           [2]uint32
	features                    uint32
	_                           [4]uint32
	sq                          struct {
		head, tail, mask, entries, flags, dropped, array, _ uint32
		_                                                   uint64
	}
	cq struct {
		head, tail, mask, entries, overflow, cqes, flags, _ uint32
		_                                                   uint64
	}
}

type uringRequest struct {
	opcode, flags uint8
	_             uint16
	fd            int32
	length        uint64 // of the address, for a connect
	address       uint64
	_             [5]uint64
}

type uringResult struct {
	_      uint64
	result int32
	_      uint32
}

const (
	uringOfRequests = 0x10000000 // IORING_OFF_SQES
	uringGetEvents  = 1          // IORING_ENTER_GETEVENTS
	opConnect       = 16         // IORING_OP_CONNECT, Linux 5.5
	sqeAsync        = 1 << 4     // IOSQE_ASYNC: in a worker, always
)

// uring is an io_uring for one request at a time.
type uring struct {
	*fixture
	fd       int
	params   uringParams
	rings    []byte // both: IORING_FEAT_SINGLE_MMAP, Linux 5.4
	requests []byte
}

// uring makes one. A kernel may be built without, or its administrator may forbid it.
func (f *fixture) uring() *uring {
	u := &uring{fixture: f, fd: -1}
	fd, _, errno := unix.Syscall(unix.SYS_IO_URING_SETUP, 1, uintptr(unsafe.Pointer(&u.params)), 0)
	switch {
	case errno == unix.ENOSYS, errno == unix.EPERM && uringForbidden():
		f.unsupported = "this kernel has no io_uring, or forbids it: " + errno.Error()
		return u
	case errno != 0:
		f.check("io_uring_setup", errno)
		return u
	}
	u.fd = int(fd)
	f.fds[u.fd] = true
	p := &u.params
	size := max(p.sq.array+4*p.sqEntries, p.cq.cqes+p.cqEntries*uint32(unsafe.Sizeof(uringResult{})))
	var err error
	u.rings, err = unix.Mmap(u.fd, 0, int(size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	f.check("mapping the rings", err)
	u.requests, err = unix.Mmap(u.fd, uringOfRequests, int(unsafe.Sizeof(uringRequest{})), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	f.check("mapping the requests", err)
	return u
}

func uringForbidden() bool {
	text, err := os.ReadFile("/proc/sys/kernel/io_uring_disabled")
	return err == nil && strings.TrimSpace(string(text)) != "0"
}

// connect connects a socket as connect(2) would, once. The first request of a ring is
// number 0 in all its arrays.
func (u *uring) connect(fd int, to netip.AddrPort, flags uint8) error {
	if u.unsupported != "" || u.err != nil {
		return nil
	}
	address := &unix.RawSockaddrInet4{Family: unix.AF_INET, Addr: to.Addr().As4()}
	binary.BigEndian.PutUint16((*[2]byte)(unsafe.Pointer(&address.Port))[:], to.Port())
	var pinned runtime.Pinner
	pinned.Pin(address)
	defer pinned.Unpin()
	*(*uringRequest)(unsafe.Pointer(&u.requests[0])) = uringRequest{
		opcode: opConnect, flags: flags, fd: int32(fd),
		length: unix.SizeofSockaddrInet4, address: uint64(uintptr(unsafe.Pointer(address))),
	}
	atomic.StoreUint32((*uint32)(unsafe.Pointer(&u.rings[u.params.sq.tail])), 1)
	if _, _, errno := unix.Syscall6(unix.SYS_IO_URING_ENTER, uintptr(u.fd), 1, 0, uringGetEvents, 0, 0); errno != 0 {
		return errno
	}
	u.await(u.fd, unix.POLLIN)
	if result := (*uringResult)(unsafe.Pointer(&u.rings[u.params.cq.cqes])).result; result != 0 {
		return unix.Errno(-result)
	}
	return nil
}
