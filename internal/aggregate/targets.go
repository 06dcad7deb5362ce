package aggregate

import (
	"encoding/binary"
	"math"
	"math/bits"

	"github.com/porttrace/porttrace/internal/event"
)

const (
	exactTargets = 256     // as many are counted exactly
	targetBits   = 1 << 16 // 8 KiB: 200,000 targets are estimated to a percent
)

// targets counts different endpoints in bounded memory: the first ones exactly, more by how
// many bits of a map their hashes leave zero (Whang, Vander-Zanden, Taylor: linear-time
// probabilistic counting, 1990).
type targets struct {
	exact map[event.Endpoint]struct{} // nil once there is a bitmap
	bits  []uint64
}

func (t *targets) add(target event.Endpoint) {
	if t.bits != nil {
		t.set(target)
		return
	}
	if t.exact == nil {
		t.exact = map[event.Endpoint]struct{}{}
	}
	t.exact[target] = struct{}{}
	if len(t.exact) > exactTargets {
		t.bits = make([]uint64, targetBits/64)
		for known := range t.exact {
			t.set(known)
		}
		t.exact = nil
	}
}

func (t *targets) set(target event.Endpoint) {
	h := hashEndpoint(target) % targetBits
	t.bits[h/64] |= 1 << (h % 64)
}

// count returns how many there are, and whether that is an estimate.
func (t *targets) count() (n int, estimated bool) {
	if t.bits == nil {
		return len(t.exact), false
	}
	zero := targetBits
	for _, word := range t.bits {
		zero -= bits.OnesCount64(word)
	}
	return int(math.Round(targetBits * math.Log(targetBits/float64(max(zero, 1))))), true
}

// hashEndpoint is the same in every run, so that a replay shows what was shown live.
func hashEndpoint(e event.Endpoint) uint64 {
	h := binary.LittleEndian.Uint64(e.Addr[:8])
	h = mix(h ^ binary.LittleEndian.Uint64(e.Addr[8:]))
	return mix(h ^ uint64(e.Port))
}

// mix is the finalizer of SplitMix64: every bit of the result depends on every bit of h.
func mix(h uint64) uint64 {
	h += 0x9e3779b97f4a7c15
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}
