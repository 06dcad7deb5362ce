package query

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// parseAddresses reads addresses with commas between them.
func parseAddresses(f Field, value string) (condition, error) {
	c := &fieldAddresses{field: f}
	for _, text := range splitList(value) {
		e, ok := parseEndpoints(text)
		if !ok {
			return nil, addressFault(f, text)
		}
		c.any = append(c.any, e)
	}
	return c, takes(f, len(c.any) > 0)
}

func addressFault(f Field, text string) error {
	err := takes(f, false)
	switch {
	case strings.ContainsAny(strings.ToLower(text), "ghijklmnopqrstuvwxyz"):
		return fmt.Errorf("%w; names are not looked up", err)
	case strings.Trim(text, "0123456789") == "":
		return fmt.Errorf("%w; a port is port:%s", err, text)
	}
	return err
}

// parseEndpoints reads ADDR, CIDR, either with :PORT (IPv6 in brackets), :PORT alone, or the
// beginning of an address.
func parseEndpoints(text string) (endpoints, bool) {
	host, port, ok := splitPort(text)
	if !ok {
		return endpoints{}, false
	}
	e := endpoints{port: port}
	if host == "" {
		return e, port != 0
	}
	if prefix, err := netip.ParsePrefix(host); err == nil {
		e.network = prefix.Masked()
		return e, true
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		addr = addr.Unmap().WithZone("")
		e.network = netip.PrefixFrom(addr, addr.BitLen())
		return e, true
	}
	e.beginning = appendLower(nil, host)
	return e, isBeginning(string(e.beginning))
}

// splitPort splits a port off. Of IPv6 it needs brackets; a colon at the end is not typed
// to the end.
func splitPort(text string) (host string, port uint16, ok bool) {
	host = text
	digits := ""
	if inner, found := strings.CutPrefix(text, "["); found {
		host, digits, _ = strings.Cut(inner, "]")
		if digits != "" && digits[0] != ':' {
			return "", 0, false
		}
		digits = strings.TrimPrefix(digits, ":")
	} else if strings.Count(text, ":") == 1 && (strings.HasPrefix(text, ":") || strings.Contains(text, ".")) {
		host, digits, _ = strings.Cut(text, ":")
	}
	if digits == "" {
		return host, 0, true
	}
	number, err := strconv.ParseUint(digits, 10, 16)
	return host, uint16(number), err == nil && number > 0
}

// isBeginning reports whether an address can begin with a text.
func isBeginning(text string) bool {
	if strings.Trim(text, "0123456789") == "" {
		_, err := strconv.ParseUint(text, 10, 8)
		return err == nil // 9000 is rather a port
	}
	return strings.Trim(text, "0123456789.") == "" || strings.Trim(text, "0123456789abcdef:") == ""
}
