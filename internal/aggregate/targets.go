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

// targets counts different endpoints.
type targets struct{ distinct[event.Endpoint] }

func (t *targets) add(target event.Endpoint) { t.distinct.add(target, hashEndpoint) }

// processSet counts different processes.
type processSet struct{ distinct[event.ProcID] }

func (p *processSet) add(id event.ProcID) { p.distinct.add(id, hashProcess) }

// distinct counts different values in bounded memory: the first ones exactly, more by how
// many bits of a map their hashes leave zero (Whang, Vander-Zanden, Taylor: linear-time
// probabilistic counting, 1990).
type distinct[K comparable] struct {
	exact map[K]struct{} // nil once there is a bitmap
	bits  []uint64
}

func (t *distinct[K]) add(value K, hash func(K) uint64) {
	if t.bits != nil {
		t.set(hash(value))
		return
	}
	if t.exact == nil {
		t.exact = map[K]struct{}{}
	}
	t.exact[value] = struct{}{}
	if len(t.exact) > exactTargets {
		t.bits = make([]uint64, targetBits/64)
		for known := range t.exact {
			t.set(hash(known))
		}
		t.exact = nil
	}
}

func (t *distinct[K]) set(hash uint64) {
	h := hash % targetBits
	t.bits[h/64] |= 1 << (h % 64)
}

// join adds what another one has counted, which it does not change.
func (t *distinct[K]) join(o *distinct[K], hash func(K) uint64) {
	for value := range o.exact {
		t.add(value, hash)
	}
	if o.bits == nil {
		return
	}
	if t.bits == nil {
		t.bits = make([]uint64, targetBits/64)
		for known := range t.exact {
			t.set(hash(known))
		}
		t.exact = nil
	}
	for i, word := range o.bits {
		t.bits[i] |= word
	}
}

// count returns how many there are, and whether that is an estimate.
func (t *distinct[K]) count() (n int, estimated bool) {
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

func hashProcess(id event.ProcID) uint64 { return mix(mix(id.Start) ^ uint64(id.PID)) }

// mix is the finalizer of SplitMix64: every bit of the result depends on every bit of h.
func mix(h uint64) uint64 {
	h += 0x9e3779b97f4a7c15
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}
