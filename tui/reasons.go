package tui

import "github.com/porttrace/porttrace/internal/event"

var reasonSentences = map[event.Reason]string{
	event.RangeExhausted: "Every port of net.ipv4.ip_local_port_range is taken towards that destination from that local address. " +
		"Other destinations are not affected.",
	event.TupleTaken: "The local port that the socket is bound to is already connected to that destination, or was until a moment ago " +
		"and is in TIME_WAIT.",
	event.PortTaken:      "Another socket holds that port on that address.",
	event.ForeignAddress: "The address is not one of this host's, in the network namespace of the process.",
	event.NoIPv6:         "The host has no IPv6 source address for that destination, or no IPv6 at all.",
	event.Unreachable:    "There is no route to the destination, or an ICMP message said that it cannot be reached.",
	event.Refused:        "The peer answered the SYN with a RST: nothing listens on that port there, or a firewall rejects it.",
	event.TimedOut:       "Nothing answered the SYN: the peer is down, a firewall drops the packets, or the listener's queue is full.",
	event.ResetByPeer:    "The peer reset the connection.",
	event.OtherReason:    "None of the causes that porttrace knows; connect(2), bind(2) and listen(2) say what the errno can mean.",
}

// meaning is a reason in a plain sentence.
func meaning(op event.Op, r event.Reason) string {
	if r == event.RangeExhausted && op != event.OpConnect {
		return "Every port of net.ipv4.ip_local_port_range is taken on that local address, so the system found none to give to the socket."
	}
	return reasonSentences[r]
}
