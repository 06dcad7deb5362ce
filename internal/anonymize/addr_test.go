package anonymize

import (
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/porttrace/porttrace/internal/event"
)

// publishedKey is that of sample.cpp of the authors' Crypto-PAn 1.0.
var publishedKey = Key{
	21, 34, 23, 141, 51, 164, 207, 128, 19, 10, 91, 22, 73, 144, 125, 16,
	216, 152, 143, 131, 121, 121, 101, 39, 98, 87, 76, 45, 42, 132, 34, 2,
}

// TestPublishedVectors: without special blocks it is Crypto-PAn. IPv4 is from sample_trace_raw.dat
// and sample_trace_sanitized.dat of the authors, IPv6 what other implementations agree on.
func TestPublishedVectors(t *testing.T) {
	t.Parallel()
	plain := newAddresses(publishedKey, nil)
	for from, want := range map[string]string{
		"128.11.68.132":   "135.242.180.132",
		"129.118.74.4":    "134.136.186.123",
		"130.132.252.244": "133.68.164.234",
		"141.223.7.43":    "141.167.8.160",
		"141.233.145.108": "141.129.237.235",
		"152.163.225.39":  "151.140.114.167",
		"156.29.3.236":    "147.225.12.42",
		"165.247.96.84":   "162.9.99.234",
		"166.107.77.190":  "160.132.178.185",
		"192.102.249.13":  "252.138.62.131",
		"192.215.32.125":  "252.43.47.189",
		"192.233.80.103":  "252.25.108.8",
		"192.41.57.43":    "252.222.221.184",
		"193.150.244.223": "253.169.52.216",
		"195.205.63.100":  "255.186.223.5",
		"198.200.171.101": "249.199.68.213",
		"198.26.132.101":  "249.36.123.202",
		"198.36.213.5":    "249.7.21.132",
		"198.51.77.238":   "249.18.186.254",
		"199.217.79.101":  "248.38.184.213",
		"2001:db8::1":     "4401:2bc:603f:d91d:27f:ff8e:e6f1:dc1e",
		"2001:db8::2":     "4401:2bc:603f:d91d:27f:ff8e:e6f1:dc1c",
	} {
		addr := event.AddrFrom(netip.MustParseAddr(from))
		got := plain.hide(addr)
		if got.String() != want {
			t.Errorf("%s becomes %s, want %s", from, got, want)
		}
		if back := plain.restore(got); back != addr {
			t.Errorf("%s is restored as %s", from, back)
		}
	}
}

// someAddresses has addresses in, beside and far from every special block.
func someAddresses() []event.Addr {
	random := rand.New(rand.NewPCG(1, 2))
	var list []event.Addr
	for _, b := range append(special, block{prefix: netip.MustParsePrefix("0.0.0.0/0")}, block{prefix: netip.MustParsePrefix("::/0")}) {
		first := b.prefix.Addr().AsSlice()
		for range 40 {
			to := append([]byte(nil), first...)
			for at := max(b.prefix.Bits()-3+random.IntN(12), 0); at < 8*len(to); at++ {
				setBit(to, at, byte(random.IntN(2)))
			}
			ip, _ := netip.AddrFromSlice(to)
			list = append(list, event.AddrFrom(ip))
		}
		list = append(list, event.AddrFrom(b.prefix.Addr()))
	}
	return list
}

// TestPrefixesStay: any two addresses have as many leading bits in common as before, of one family
// or of two, and each can be restored.
func TestPrefixesStay(t *testing.T) {
	t.Parallel()
	a := newAddresses(RandomKey(), special)
	list := someAddresses()
	hidden := make([]event.Addr, len(list))
	for i, addr := range list {
		hidden[i] = a.hide(addr)
		if back := a.restore(hidden[i]); back != addr {
			t.Fatalf("%s becomes %s, restored as %s", addr, hidden[i], back)
		}
	}
	for i := range list {
		for j := range i {
			before := commonBits(netip.AddrFrom16(list[i]), netip.AddrFrom16(list[j]))
			after := commonBits(netip.AddrFrom16(hidden[i]), netip.AddrFrom16(hidden[j]))
			if before != after {
				t.Fatalf("%s and %s have %d bits in common, %s and %s %d", list[i], list[j], before, hidden[i], hidden[j], after)
			}
		}
	}
}

// TestClassesStay: an address stays in the special blocks that it is in, and in no other.
func TestClassesStay(t *testing.T) {
	t.Parallel()
	for range 20 {
		a := newAddresses(RandomKey(), special)
		for _, addr := range someAddresses() {
			got := a.hide(addr)
			if got.Is4() != addr.Is4() {
				t.Fatalf("%s becomes %s, of another family", addr, got)
			}
			for _, b := range special {
				if b.prefix.Contains(got.IP()) != b.prefix.Contains(addr.IP()) || b.whole && b.prefix.Contains(addr.IP()) && got != addr {
					t.Fatalf("%s becomes %s: %s", addr, got, b.prefix)
				}
			}
		}
	}
}

// TestAddressesAreHidden: of an ordinary address no more stays than the document says.
func TestAddressesAreHidden(t *testing.T) {
	t.Parallel()
	a := newAddresses(RandomKey(), special)
	for from, most := range map[string]int{
		"10.1.2.3": 8, "172.20.1.1": 12, "192.168.7.7": 16, "8.8.8.8": 7, "93.184.216.34": 3, "203.0.113.9": 5, "192.170.1.1": 15,
		"2001:db8::1": 3, "fd12::1": 7, "fe80::1": 10,
	} {
		if got := a.keeps(netip.MustParseAddr(from)); got > most {
			t.Errorf("%d bits of %s stay, want at most %d", got, from, most)
		}
	}
}

func BenchmarkAddr(b *testing.B) {
	a := New(publishedKey, func(string) string { return "" })
	list := someAddresses()
	b.ReportAllocs()
	for i := range b.N {
		a.addr(list[i%len(list)])
	}
}
