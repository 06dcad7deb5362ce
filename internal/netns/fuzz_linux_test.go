package netns

import (
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/event"
)

// FuzzDiag has any bytes for an answer of sock_diag: no more sockets are listed than have room in it,
// and those of IPv4 have its addresses.
func FuzzDiag(f *testing.F) {
	for _, answer := range answersOf(f, "sock_diag.hex") {
		f.Add(answer)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		datagram := aligned(data)
		_, state, err := parseDiagAnswer(datagram)
		if err != nil && state != 0 {
			t.Errorf("state %d, and %v", state, err)
		}
		const limit = 4
		l := lister{limit: limit}
		answers := 0
		_, _ = eachAnswer(datagram, func(a *diagAnswer) {
			answers++
			l.addAnswer(a)
			if s := l.sockets[len(l.sockets)-1]; answers <= limit && a.family == unix.AF_INET && !s.Src.Addr.Is4() {
				t.Errorf("a socket of IPv4 has the address %v", s.Src.Addr)
			}
		})
		l.inferOwned()
		const least = unix.NLMSG_HDRLEN + int(unsafe.Sizeof(diagAnswer{}))
		if answers > len(data)/least || len(l.sockets) != min(answers, limit) || len(l.inodes) != len(l.sockets) {
			t.Errorf("%d bytes are %d answers and %d sockets with %d inodes", len(data), answers, len(l.sockets), len(l.inodes))
		}
		for _, s := range l.sockets {
			if s.State == event.StateListen && s.Dst != (event.Endpoint{}) {
				t.Errorf("a listener has the remote end %v", s.Dst)
			}
		}
	})
}

// aligned returns a copy that begins where a buffer of the kernel's answers does.
func aligned(b []byte) []byte {
	words := make([]uint64, len(b)/8+1)
	to := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), len(b))
	copy(to, b)
	return to
}
