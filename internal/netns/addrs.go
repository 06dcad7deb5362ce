package netns

import (
	"bufio"
	"encoding/hex"
	"io"
	"net/netip"
	"strconv"
	"strings"
)

// addrSet holds the addresses that bind() accepts in a namespace.
type addrSet struct {
	single map[netip.Addr]bool
	ranges []netip.Prefix // 127.0.0.0/8, and what 'ip route add local' makes local
}

// has reports whether bind() accepts the address: it is local, unspecified or multicast
// (inet_addr_valid_or_nonlocal() in include/net/inet_sock.h). The setting
// ip_nonlocal_bind, which allows foreign addresses, is not considered.
func (s *addrSet) has(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	if a.IsUnspecified() || a.IsMulticast() || s.single[a] {
		return true
	}
	for _, p := range s.ranges {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// addV4 adds the routes of /proc/net/fib_trie that are LOCAL or BROADCAST in the table
// "Local". The file has an address, and on the lines below it the length and the type of
// each route that begins there:
//
//	|-- 127.0.0.0
//	   /8 host LOCAL
func (s *addrSet) addV4(r io.Reader) error {
	lines := bufio.NewScanner(r)
	var local bool
	var addr netip.Addr
	for lines.Scan() {
		line := lines.Text()
		words := strings.Fields(line)
		switch {
		case line != "" && line[0] != ' ':
			local = line == "Local:"
		case !local || len(words) == 0:
		case words[0] == "|--" && len(words) == 2:
			addr, _ = netip.ParseAddr(words[1])
		case words[0][0] == '/' && len(words) >= 3 && (words[2] == "LOCAL" || words[2] == "BROADCAST"):
			s.addRoute(addr, words[0][1:])
		}
	}
	return lines.Err()
}

func (s *addrSet) addRoute(addr netip.Addr, length string) {
	bits, err := strconv.Atoi(length)
	if err != nil {
		return
	}
	prefix, err := addr.Prefix(bits)
	switch {
	case err != nil || !prefix.IsValid(): // the zero address has no error
	case prefix.IsSingleIP():
		s.single[addr] = true
	default:
		s.ranges = append(s.ranges, prefix)
	}
}

// Flags of an IPv6 address, include/uapi/linux/if_addr.h.
const (
	optimistic = 0x04
	tentative  = 0x40
)

// addV6 adds the addresses of /proc/net/if_inet6, proc_pid_net(5). bind() refuses
// one whose uniqueness is not yet proven (ipv6_chk_addr() in net/ipv6/addrconf.c).
func (s *addrSet) addV6(r io.Reader) error {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		if len(words) < 5 {
			continue
		}
		raw, err := hex.DecodeString(words[0])
		if err != nil {
			continue
		}
		addr, ok := netip.AddrFromSlice(raw)
		flags, err := strconv.ParseUint(words[4], 16, 32)
		if ok && err == nil && flags&(tentative|optimistic) != tentative {
			s.single[addr] = true
		}
	}
	return lines.Err()
}
