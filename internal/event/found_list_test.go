package event

import (
	"encoding/binary"
	"slices"
	"testing"
	"unsafe"
)

// What is put into a list comes out of it, whatever the sockets have in common.
func TestFoundList(t *testing.T) {
	var want []FoundSocket
	for i := range 3*entriesInPart + 5 {
		f := FoundSocket{
			Cookie: uint64(i), Expiry: Time(i) << 40, Proc: ProcID{PID: uint32(i % 50), Start: uint64(i%50) << 33}, Device: uint32(i % 2),
			SocketRange: PortRange{Low: uint16(i % 3), High: 9}, Flags: Flags(i % 4), Inferred: Field(i % 2), State: State(i % 5),
			Direction: Direction(i % 3), Src: Endpoint{testAddr(i), uint16(i)}, Dst: Endpoint{testAddr(i / 2), uint16(i / 3)},
		}
		if i%7 == 0 {
			f.Dst = Endpoint{}
		}
		want = append(want, f)
	}
	l := FoundOf(want...)
	check := func() {
		t.Helper()
		if l.Len() != len(want) {
			t.Fatalf("%d sockets, want %d", l.Len(), len(want))
		}
		for i, got := range l.All() {
			if got != want[i] {
				t.Fatalf("socket %d: %+v, want %+v", i, got, want[i])
			}
		}
	}
	check()
	for i := 0; i < len(want); i += 3 {
		want[i], want[0] = want[0], want[i]
		l.Set(i, &want[i])
		l.Set(0, &want[0])
	}
	check()
	for _, n := range []int{2*entriesInPart + 1, 2 * entriesInPart, 1, 0} {
		l.Truncate(n)
		want = slices.Clone(want[:n])
		check()
	}
	l.Add(&FoundSocket{Cookie: 1})
	want = append(want, FoundSocket{Cookie: 1})
	check()
}

// testAddr returns an address of IPv4 or IPv6.
func testAddr(i int) (a Addr) {
	binary.BigEndian.PutUint32(a[12:], uint32(i))
	if i%2 == 0 {
		copy(a[:], v4Prefix[:])
	}
	return a
}

// There is an entry for each socket of the host.
func TestFoundEntrySize(t *testing.T) {
	if size := unsafe.Sizeof(foundEntry{}); size != 32 {
		t.Errorf("%d bytes", size)
	}
}
