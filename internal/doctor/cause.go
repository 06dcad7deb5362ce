package doctor

import "strings"

// Cause is the name of a cause; docs/causes has a page for each.
type Cause string

const (
	Churn                  Cause = "churn"                    // a connection for each request: TIME_WAIT takes the ports
	Leak                   Cause = "leak"                     // connections that the program never closes
	CloseWaitLeak          Cause = "close_wait_leak"          // connections that the peer has closed, and the program has not
	Burst                  Cause = "burst"                    // more connections at the same time than there are ports
	EarlyBind              Cause = "early_bind"               // a port that is chosen in bind() serves one connection in all, not one for each destination
	HalfOpen               Cause = "half_open"                // the peer does not answer the SYNs
	NarrowRange            Cause = "narrow_range"             // net.ipv4.ip_local_port_range was made small
	ReservedRange          Cause = "reserved_range"           // net.ipv4.ip_local_reserved_ports takes most of the range away
	RangeOverlapsListeners Cause = "range_overlaps_listeners" // an outgoing connection has the port of a service
	TimeWaitOverflow       Cause = "tw_overflow"              // more TIME_WAIT buckets than net.ipv4.tcp_max_tw_buckets allows
	SlowPortSearch         Cause = "slow_port_search"         // connect() tries half of the range in vain
	ConntrackFull          Cause = "conntrack_full"           // the table of connection tracking has no room
	SNAT                   Cause = "snat"                     // the address translation behind the sockets has no port left
	FDLimit                Cause = "fd_limit"                 // RLIMIT_NOFILE of a process
	TCPMemory              Cause = "tcp_memory"               // net.ipv4.tcp_mem, or too many orphans
	ListenOverflow         Cause = "listen_overflow"          // a listener accepts connections too slowly
	InboundOnly            Cause = "inbound_only"             // TIME_WAIT of accepted connections, which takes no ephemeral port
	NoIPv6                 Cause = "no_ipv6"                  // a connect() over IPv6 without an address for it
	ForeignAddress         Cause = "foreign_address"          // a bind() to an address that the namespace does not have
	TupleTaken             Cause = "tuple_taken"              // the connection between the same two ends exists already
	PortTaken              Cause = "port_taken"               // the port of a bind() is in use
	UDPPorts               Cause = "udp_ports"                // no UDP port is left
	OwnPorts               Cause = "own_ports"                // all ports that a program chooses itself are in use
	None                   Cause = "none"                     // no trouble, though often taken for one
)

// Causes returns all causes in the order in which to list them: what uses ports up, what takes
// them away, what fails for another reason, and what is fine.
func Causes() []Cause {
	return []Cause{
		Churn, Leak, CloseWaitLeak, Burst, EarlyBind, OwnPorts, HalfOpen, NarrowRange, ReservedRange, RangeOverlapsListeners,
		TimeWaitOverflow, SlowPortSearch, ConntrackFull, SNAT, FDLimit, TCPMemory, ListenOverflow, InboundOnly, NoIPv6,
		ForeignAddress, TupleTaken, PortTaken, UDPPorts, None,
	}
}

// CauseOf returns the cause that a name of a finding begins with, whether there is such a cause or not.
func CauseOf(name string) Cause {
	if end := strings.IndexAny(name, ":@"); end >= 0 {
		name = name[:end]
	}
	return Cause(name)
}
