package event

// ConnectReason says why connect() failed other than by its port, connect(2). From
// the port search on, EADDRNOTAVAIL is told apart where it arises; before it, the host
// has no address to send from, which for IPv6 mostly means that it has no IPv6.
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

// BindReason says why bind() or listen() for that port failed, bind(2) and ip(7).
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
