package event

// ConnectReason says why connect() failed once a port had been found, connect(2).
func ConnectReason(e Errno) Reason {
	switch e {
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
