package event

// ConnectReason returns why connect() failed, connect(2), if not for lack of a port: the
// BPF programs distinguish the causes of an EADDRNOTAVAIL of the port search. One from before
// the search means that the host has no source address: for IPv6, mostly, no IPv6.
func ConnectReason(e Errno, to Addr) Reason {
	switch e {
	case EADDRNOTAVAIL, EAFNOSUPPORT:
		if !to.Is4() {
			return NoIPv6
		}
	case ECONNREFUSED:
		return Refused
	case ETIMEDOUT:
		return TimedOut
	case ENETUNREACH, EHOSTUNREACH:
		return Unreachable
	case ECONNRESET:
		return ResetByPeer
	}
	return OtherReason
}

// BindReason returns why bind() or listen() for that port failed, bind(2) and ip(7).
func BindReason(e Errno, port uint16) Reason {
	switch {
	case e == EADDRINUSE && port == 0:
		return RangeExhausted
	case e == EADDRINUSE:
		return PortTaken
	case e == EADDRNOTAVAIL:
		return ForeignAddress
	}
	return OtherReason
}
