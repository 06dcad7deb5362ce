package event

// Holder is the socket that has the port, or the 4-tuple, that a failed call wanted. It follows
// from the socket table and is no part of the stream.
type Holder struct {
	Proc   ProcID // also one that has ended; zero if unknown
	State  State
	Local  Endpoint
	Remote Endpoint // zero if the socket listens or is only bound
	Expiry Time     // of a bucket: when its timer frees the port; 0: only the process does
	// Outgoing says that it is a connection, or the bucket of one, that this host has opened.
	Outgoing bool
}

// ToItself reports whether the holder is a connection whose two ends are one socket: a connect()
// to a port of the range that was given that very port (simultaneous open, RFC 9293 section 3.5).
func (h *Holder) ToItself() bool { return h.Local == h.Remote }
