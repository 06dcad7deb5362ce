package filter

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/porttrace/porttrace/internal/event"
)

// dest is a set of remote ends.
type dest struct {
	prefix netip.Prefix
	port   uint16 // 0: any
}

func (d dest) contains(remote event.Endpoint) bool {
	return d.prefix.Contains(remote.Addr.IP()) && (d.port == 0 || d.port == remote.Port)
}

func parseDests(args []string) ([]dest, error) {
	var dests []dest
	for _, arg := range args {
		d, ok := parseDest(arg)
		if !ok {
			return nil, fmt.Errorf("--dest %s: not an address, CIDR or ADDR:PORT%s", arg, hint(arg))
		}
		dests = append(dests, d)
	}
	return dests, nil
}

// hint helps with the two mistakes that are easily made.
func hint(arg string) string {
	colons := strings.Count(arg, ":")
	if colons > 1 && strings.Contains(arg, "/") && !strings.HasPrefix(arg, "[") {
		return "; in IPv6 it is [CIDR]:PORT"
	}
	if colons < 2 && strings.ContainsAny(arg, "ghijklmnopqrstuvwxyz") {
		return "; names are not looked up"
	}
	return ""
}

// parseDest reads CIDR, ADDR, CIDR:PORT or ADDR:PORT, with brackets around an IPv6
// one that has a port. Without brackets the colons of an IPv6 address are its own.
func parseDest(arg string) (dest, bool) {
	host, port, hasPort := arg, "", false
	if inner, found := strings.CutPrefix(arg, "["); found {
		var closed bool
		host, port, closed = strings.Cut(inner, "]")
		if !closed || !strings.Contains(host, ":") {
			return dest{}, false
		}
		if port, hasPort = strings.CutPrefix(port, ":"); !hasPort && port != "" {
			return dest{}, false
		}
	} else if strings.Count(arg, ":") == 1 {
		host, port, hasPort = strings.Cut(arg, ":")
	}
	prefix, ok := parsePrefix(host)
	if !ok {
		return dest{}, false
	}
	if !hasPort {
		return dest{prefix: prefix}, true
	}
	number, ok := parsePort(port)
	return dest{prefix: prefix, port: number}, ok
}

// parsePrefix reads an address or a CIDR block; bits beyond its length do not
// matter. What is v4-mapped becomes IPv4, as addresses in events are.
func parsePrefix(s string) (netip.Prefix, bool) {
	if addr, err := netip.ParseAddr(s); err == nil {
		addr = addr.Unmap()
		return netip.PrefixFrom(addr, addr.BitLen()), addr.Zone() == ""
	}
	prefix, err := netip.ParsePrefix(s)
	if err != nil {
		return netip.Prefix{}, false
	}
	const mappedBits = 96
	if prefix.Addr().Is4In6() && prefix.Bits() >= mappedBits {
		prefix = netip.PrefixFrom(prefix.Addr().Unmap(), prefix.Bits()-mappedBits)
	}
	return prefix.Masked(), true
}

func parsePorts(args []string) ([]uint16, error) {
	var ports []uint16
	for _, arg := range args {
		port, ok := parsePort(arg)
		if !ok {
			return nil, fmt.Errorf("--port %s: not a port, 1 to 65535", arg)
		}
		ports = append(ports, port)
	}
	return ports, nil
}

func parsePort(s string) (uint16, bool) {
	port, err := strconv.ParseUint(s, 10, 16)
	return uint16(port), err == nil && port != 0
}

// checkPorts refuses --port together with destinations that all have other ports.
func checkPorts(spec Spec, dests []dest, ports []uint16) error {
	if len(dests) == 0 || len(ports) == 0 {
		return nil
	}
	for _, d := range dests {
		if d.port == 0 || slices.Contains(ports, d.port) {
			return nil
		}
	}
	return fmt.Errorf("--port %s: no destination of --dest %s has that port; leave one of them out",
		strings.Join(spec.Port, ","), strings.Join(spec.Dest, ","))
}
