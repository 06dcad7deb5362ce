package event

import "cmp"

// PortRange is an inclusive range of ports; the zero value is none.
type PortRange struct{ Low, High uint16 }

// Known reports whether there is a range.
func (r PortRange) Known() bool { return r != PortRange{} }

// Holds reports whether the port is in the range.
func (r PortRange) Holds(port uint16) bool { return r.Low <= port && port <= r.High }

// Size returns the number of its ports, reserved ones included.
func (r PortRange) Size() int {
	if !r.Known() {
		return 0
	}
	return int(r.High) - int(r.Low) + 1
}

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

var stateNames = [...]string{
	StateEstablished: "ESTABLISHED", StateSynSent: "SYN_SENT", StateSynRecv: "SYN_RECV", StateFinWait1: "FIN_WAIT1",
	StateFinWait2: "FIN_WAIT2", StateTimeWait: "TIME_WAIT", StateBound: "BOUND", StateCloseWait: "CLOSE_WAIT",
	StateLastAck: "LAST_ACK", StateListen: "LISTEN", StateClosing: "CLOSING",
}

// String returns the name of the state as in /proc/net/tcp's documentation, BOUND for CLOSE with a port.
func (s State) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return ""
}
