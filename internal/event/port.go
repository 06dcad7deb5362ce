package event

import "cmp"

// PortRange is an inclusive range of ports; the zero value is none.
type PortRange struct{ Low, High uint16 }

// Known reports whether there is a range.
func (r PortRange) Known() bool { return r != PortRange{} }

// Holds reports whether the port is in the range.
func (r PortRange) Holds(port uint16) bool { return r.Low <= port && port <= r.High }

// Compare orders ranges by where they begin.
func (r PortRange) Compare(other PortRange) int {
	return cmp.Or(cmp.Compare(r.Low, other.Low), cmp.Compare(r.High, other.High))
}

// State is that of a TCP socket, by the numbers of include/net/tcp_states.h.
type State uint8

const (
	StateEstablished State = iota + 1
	StateSynSent
	StateSynRecv
	StateFinWait1
	StateFinWait2
	StateTimeWait // a bucket, also one that still waits for the peer's FIN
	StateBound    // TCP_CLOSE with a port: bound, and no more than that
	StateCloseWait
	StateLastAck
	StateListen
	StateClosing
)
