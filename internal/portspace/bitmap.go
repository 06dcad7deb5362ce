package portspace

import (
	"math/bits"

	"github.com/porttrace/porttrace/internal/event"
)

// bitmap is a set of ports.
type bitmap [1 << 16 / 64]uint64

func (b *bitmap) has(port uint16) bool { return b[port/64]>>(port%64)&1 != 0 }
func (b *bitmap) add(port uint16)      { b[port/64] |= 1 << (port % 64) }
func (b *bitmap) remove(port uint16)   { b[port/64] &^= 1 << (port % 64) }

func ones(word uint64) int { return bits.OnesCount64(word) }

func (b *bitmap) addRange(r event.PortRange) {
	for port := int(r.Low); port <= int(r.High); port++ {
		b.add(uint16(port))
	}
}

// count returns the number of ports of the set within the range.
func (b *bitmap) count(r event.PortRange) int {
	n := 0
	for port := int(r.Low); port <= int(r.High); {
		if port%64 == 0 && port+63 <= int(r.High) {
			n += ones(b[port/64])
			port += 64
			continue
		}
		if b.has(uint16(port)) {
			n++
		}
		port++
	}
	return n
}

// usable returns the range without the reserved ports, which come as the kernel prints them:
// 8080,9000-9100.
func usable(r event.PortRange, reserved string) *bitmap {
	b := &bitmap{}
	if !r.Known() {
		return b
	}
	b.addRange(r)
	for _, r := range event.ParsePortSet(reserved) {
		for port := int(r.Low); port <= int(r.High); port++ {
			b.remove(uint16(port))
		}
	}
	return b
}
