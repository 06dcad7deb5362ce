package event

import "net/netip"

// Addr is an IPv6 address, or an IPv4 one in its v4-mapped form (RFC 4291,
// 2.5.5.2). It is a plain array so that it can be a part of map keys cheaply.
type Addr [16]byte

// AddrFrom converts a netip address.
func AddrFrom(a netip.Addr) Addr { return a.As16() }

// IP returns the address, IPv4 unmapped.
func (a Addr) IP() netip.Addr { return netip.AddrFrom16(a).Unmap() }

// Is4 reports whether the address is IPv4.
func (a Addr) Is4() bool { return a.IP().Is4() }

// String returns the address; the zero Addr is "::".
func (a Addr) String() string { return a.IP().String() }

// Known reports whether the endpoint is known. The zero Addr alone does not mean unknown: it
// is "::", which a bind may ask for.
func (e Endpoint) Known() bool { return e != Endpoint{} }

// Host returns the address, empty for an unknown endpoint.
func (e Endpoint) Host() string {
	if !e.Known() {
		return ""
	}
	return e.Addr.String()
}

// String returns ADDR:PORT, or [ADDR]:PORT for IPv6.
func (e Endpoint) String() string { return e.AddrPort().String() }

// AddrPort returns the same as the standard library has it.
func (e Endpoint) AddrPort() netip.AddrPort { return netip.AddrPortFrom(e.Addr.IP(), e.Port) }

// Family is 4 or 6, from the remote end if that is known. A v4-mapped connection is IPv4.
func (e *Event) Family() int {
	a := e.Dst.Addr
	if a == (Addr{}) {
		a = e.Src.Addr
	}
	if a.Is4() {
		return 4
	}
	return 6
}
