package anonymize

import (
	"crypto/aes"
	"crypto/cipher"
	"math/bits"
	"net/netip"

	"github.com/porttrace/porttrace/internal/event"
)

// addresses replaces addresses as Crypto-PAn does (J. Xu, J. Fan, M. Ammar, S. Moon: Prefix-Preserving
// IP Address Anonymization, ICNP 2002): whether a bit is inverted follows from the bits before it
// and from the key. Two addresses have as many leading bits in common as before, and no two become
// one. IPv6 is done likewise, with 128 bits.
//
// Bits that lead to a special block are not inverted. So an address stays in the blocks that it is
// in, and outside of those that it is outside of, and all of the above holds for any two addresses.
// The price is that an ordinary address keeps the bits that it has in common with such a block, and
// one more.
type addresses struct {
	block   cipher.Block
	pad     [aes.BlockSize]byte
	special []block
}

// block is addresses that mean something to whoever reads them.
type block struct {
	prefix netip.Prefix
	whole  bool // all of its bits stay; otherwise those of the prefix
}

// special are the blocks of the IANA registries of special-purpose addresses that findings and
// readers depend on. Those of one address, and loopback, are the same on every host.
var special = []block{
	{netip.MustParsePrefix("0.0.0.0/32"), true},
	{netip.MustParsePrefix("127.0.0.0/8"), true},
	{netip.MustParsePrefix("255.255.255.255/32"), true},
	{netip.MustParsePrefix("10.0.0.0/8"), false},
	{netip.MustParsePrefix("100.64.0.0/10"), false}, // RFC 6598, behind a NAT of the provider
	{netip.MustParsePrefix("169.254.0.0/16"), false},
	{netip.MustParsePrefix("172.16.0.0/12"), false},
	{netip.MustParsePrefix("192.168.0.0/16"), false},
	{netip.MustParsePrefix("224.0.0.0/4"), false},

	{netip.MustParsePrefix("::/128"), true},
	{netip.MustParsePrefix("::1/128"), true},
	{netip.MustParsePrefix("::ffff:0:0/96"), false}, // v4-mapped: no address of IPv6 may become one
	{netip.MustParsePrefix("2000::/3"), false},      // global unicast
	{netip.MustParsePrefix("fc00::/7"), false},
	{netip.MustParsePrefix("fe80::/10"), false},
	{netip.MustParsePrefix("ff00::/8"), false},
}

// newAddresses takes the key of Crypto-PAn: one of AES, and the block from which the pad is made.
func newAddresses(key Key, special []block) addresses {
	b, err := aes.NewCipher(key[:16])
	if err != nil {
		panic(err) // 16 bytes are a key
	}
	a := addresses{block: b, special: special}
	b.Encrypt(a.pad[:], key[16:])
	return a
}

func (a *addresses) hide(from event.Addr) event.Addr    { return a.convert(from, false) }
func (a *addresses) restore(from event.Addr) event.Addr { return a.convert(from, true) }

// convert replaces an address, or restores one. An IPv4 address has 32 bits, and stays v4-mapped.
func (a *addresses) convert(from event.Addr, restore bool) event.Addr {
	to, first := from, 0
	if from.Is4() {
		first = 12
	}
	source, target := from[first:], to[first:]
	original := source
	if restore {
		original = target
	}
	input, output := a.pad, [aes.BlockSize]byte{}
	keep := a.keeps(from.IP())
	for at := range 8 * len(source) {
		if at >= keep {
			a.block.Encrypt(output[:], input[:])
			setBit(target, at, bit(source, at)^output[0]>>7)
		}
		setBit(input[:], at, bit(original, at))
	}
	return to
}

// keeps returns how many leading bits of an address stay. It is the same of the address that
// stands for it.
func (a *addresses) keeps(ip netip.Addr) (n int) {
	for _, b := range a.special {
		to := b.prefix.Addr()
		if to.BitLen() != ip.BitLen() {
			continue
		}
		switch common := commonBits(ip, to); {
		case common < b.prefix.Bits():
			n = max(n, common+1)
		case b.whole:
			n = ip.BitLen()
		default:
			n = max(n, b.prefix.Bits())
		}
	}
	return n
}

// commonBits returns how many leading bits two addresses of one family have in common.
func commonBits(a, b netip.Addr) int {
	x, y := a.AsSlice(), b.AsSlice()
	for i := range x {
		if d := x[i] ^ y[i]; d != 0 {
			return 8*i + bits.LeadingZeros8(d)
		}
	}
	return 8 * len(x)
}

// bit returns one, the first of a byte is its highest.
func bit(b []byte, at int) byte { return b[at/8] >> (7 - at%8) & 1 }

func setBit(b []byte, at int, to byte) {
	shift := 7 - at%8
	b[at/8] = b[at/8]&^(1<<shift) | to<<shift
}
