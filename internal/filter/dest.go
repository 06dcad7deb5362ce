package filter

import (
	"errors"
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

// matchDest selects only destinations that this host chose: a bind has none, and an
// accepted connection was made towards this host.
func matchDest(d dest, e *event.Event, _ *event.Process) bool { return hasDest(e) && d.contains(e.Dst) }

// matchPort compares the port that stands for a service: the remote port of an outgoing
// connection, the local port of a bind or an accepted connection. A connection from before
// the start can be either.
func matchPort(port uint16, e *event.Event, _ *event.Process) bool {
	switch {
	case e.Kind == event.Close && e.Direction == event.Unknown:
		return port == e.Dst.Port || port == e.Src.Port
	case hasDest(e):
		return port == e.Dst.Port
	default:
		return port == e.Src.Port
	}
}

func hasDest(e *event.Event) bool {
	return e.Kind != event.Bind && e.Kind != event.BindFail && e.Direction != event.In
}

// parseDest reads CIDR, ADDR, CIDR:PORT or ADDR:PORT. An IPv6 address with a port must be
// in brackets: fd00::1:443 is an address.
func parseDest(arg string) (dest, error) {
	d, ok := splitDest(arg)
	if !ok {
		return dest{}, errors.New("not an address, CIDR or ADDR:PORT" + hint(arg))
	}
	return d, nil
}

// hint returns what to do about the two mistakes that are easily made.
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

func splitDest(arg string) (dest, bool) {
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
	number, err := parsePort(port)
	return dest{prefix: prefix, port: number}, err == nil
}

// parsePrefix reads an address or a CIDR block; bits beyond its length are ignored. A
// v4-mapped address becomes IPv4, as addresses in events are.
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

func parsePort(s string) (uint16, error) {
	port, err := strconv.ParseUint(s, 10, 16)
	if err != nil || port == 0 {
		return 0, errors.New("not a port, 1 to 65535")
	}
	return uint16(port), nil
}

// checkPorts refuses --port together with destinations that all have other ports.
func checkPorts(dests, ports []string) error {
	if len(dests) == 0 || len(ports) == 0 {
		return nil
	}
	for _, arg := range dests {
		d, _ := splitDest(arg)
		hasPort := func(value string) bool { port, _ := parsePort(value); return port == d.port }
		if d.port == 0 || slices.ContainsFunc(ports, hasPort) {
			return nil
		}
	}
	return fmt.Errorf("--port %s: no destination of --dest %s has that port; leave one of them out",
		strings.Join(ports, ","), strings.Join(dests, ","))
}
