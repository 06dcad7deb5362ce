package phrase

import "github.com/porttrace/porttrace/internal/event"

// reasons are, by name, in a few words, empty if the errno says more, and in a sentence.
var reasons = map[string]struct{ words, sentence string }{
	"range_exhausted": {
		"no free local port", "Every port of net.ipv4.ip_local_port_range is taken towards that destination from that local address. " +
			"Other destinations are not affected.",
	},
	"tuple_taken": {
		"connection already exists", "The local port that the socket is bound to is already connected to that destination, or was until " +
			"a moment ago and is in TIME_WAIT.",
	},
	"port_taken":      {"port already in use", "Another socket holds that port on that address."},
	"foreign_address": {"not a local address", "The address is not one of this host's, in the network namespace of the process."},
	"no_ipv6":         {"no IPv6 source address", "The host has no IPv6 source address for that destination, or no IPv6 at all."},
	"unreachable":     {"unreachable", "There is no route to the destination, or an ICMP message reported it as unreachable."},
	"refused": {
		"connection refused", "The peer answered the SYN with a RST: no process listens on that port there, or a firewall rejects it.",
	},
	"timeout": {
		"timed out", "No answer to the SYN: the peer is down, a firewall drops the packets, or the listener's queue is full.",
	},
	"given_up": {
		"gave up waiting for an answer", "The program closed the socket while its SYN had no answer. If the SYN was retransmitted, the " +
			"peer is down, a firewall drops the packets, or the listener's queue is full; a program that tries two addresses at once drops the slower one early.",
	},
	"reset": {"connection reset", "The peer reset the connection."},
	"other": {
		"", "None of the causes that porttrace knows; connect(2), bind(2) and listen(2) say what the errno can mean.",
	},
}

// Reason explains in a sentence why a call failed.
func Reason(op event.Op, r event.Reason) string {
	if r == event.RangeExhausted && op != event.OpConnect {
		return "Every port of net.ipv4.ip_local_port_range is taken on that local address: the kernel had no free port to assign."
	}
	return reasons[r.String()].sentence
}
