// Package anonymize makes a stream that can be given to others: without addresses, names, command
// lines and ids of containers, but with the same ports, times, processes and findings.
//
// It stands between a source and the pipeline, so that recordings, exports and reports have
// nothing to hide by themselves. What identifies is replaced by a function of itself and of a key:
// the same name has the same stand-in everywhere, and without the key a guess cannot be tried.
//
//	addr.go    addresses, prefix-preserving
//	name.go    names, paths, units, containers
//	public.go  names that every host has
//	fact.go    which fields of events have what
//	source.go  the stream, and the filters of its user
package anonymize

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"fmt"

	"github.com/porttrace/porttrace/internal/event"
)

// Key decides what stands for what. Who has it can try names, and compute addresses.
type Key [32]byte

// LeastSecret is how many bytes a secret must have: 128 bits cannot be tried.
const LeastSecret = 16

// RandomKey returns a key that no one has.
func RandomKey() Key {
	var k Key
	rand.Read(k[:]) // never fails
	return k
}

// KeyOf returns the key that follows from a secret, which has at least LeastSecret bytes.
func KeyOf(secret []byte) (Key, error) {
	if len(secret) < LeastSecret {
		return Key{}, fmt.Errorf("it has %d bytes, and a key needs %d", len(secret), LeastSecret)
	}
	return derive(secret, "key"), nil
}

// derive returns a key for one purpose. HKDF refuses only a length that SHA-256 does not have.
func derive(secret []byte, purpose string) (k Key) {
	b, err := hkdf.Key(sha256.New, secret, nil, "porttrace anonymize "+purpose, len(k))
	if err != nil {
		panic(err)
	}
	return Key(b)
}

// Anonymizer replaces what identifies. It is for one goroutine.
type Anonymizer struct {
	addrs   addresses
	names   names
	forward memo[event.Addr, event.Addr]
	back    memo[event.Addr, event.Addr]
}

// New returns an Anonymizer. known returns the beginning of the name of a program that may stay,
// as findings depend on it; empty: none of it.
func New(key Key, known func(program string) string) *Anonymizer {
	return &Anonymizer{
		addrs: newAddresses(derive(key[:], "addresses"), special),
		names: names{key: derive(key[:], "names"), known: known, made: memo[string, string]{}},

		forward: memo[event.Addr, event.Addr]{},
		back:    memo[event.Addr, event.Addr]{},
	}
}

func (a *Anonymizer) addr(from event.Addr) event.Addr {
	return a.forward.get(from, a.addrs.hide)
}

// original is the inverse of addr.
func (a *Anonymizer) original(from event.Addr) event.Addr {
	return a.back.get(from, a.addrs.restore)
}

// memo has results that were computed already. It forgets all of them when it has mostMemo.
type memo[K comparable, V any] map[K]V

const mostMemo = 1 << 16

func (m memo[K, V]) get(key K, compute func(K) V) V {
	if v, ok := m[key]; ok {
		return v
	}
	if len(m) >= mostMemo {
		clear(m)
	}
	v := compute(key)
	m[key] = v
	return v
}
