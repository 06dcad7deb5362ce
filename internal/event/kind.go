package event

// Kind is the kind of an Event.
type Kind uint8

const (
	// Events of one socket. The first five and SynUnanswered are shown to users.
	Open        Kind = iota + 1 // the first SYN of an outgoing connection was sent
	Close                       // an established connection ended
	ConnectFail                 // connect() did not lead to a connection
	Bind                        // bind() allocated a port
	BindFail                    // bind(), listen() or an autobind failed

	EnterCloseWait // passive close: the peer sent the first FIN
	SynUnanswered  // the SYN of an Open was retransmitted
	SynAnswered    // a connection counted by SynUnanswered was established
	Listen         // a socket began to listen: Proc is the listener of Src

	// Facts. Fact has the value.
	HostKnown    // *Host
	SignalsKnown // Signals
	ClockAnchor  // Clock
	ProcessKnown // *Process
	NetnsKnown   // *Netns
	Folded       // *Fold: occurrences that were counted in the kernel, not delivered one by one
	HealthKnown  // *Health
	Notice       // Text: something the user should read
	Missing      // *Gap: a part of the stream that a recording lacks

	// Differences between a scan of all sockets of a namespace and the socket table: sockets
	// from before start, and what the tracer has missed since.
	CensusTaken // *Census: a scan, before its differences
	SocketFound // there is a socket in State between Src and Dst; if Dst is unknown it listens or is only bound
	SocketGone  // there is none any more

	ListenEnd // the listener of Src was closed; also of one from before start

	// More facts.
	NetnsCounted // *NetnsCounts: on change, and every 10 s
	FilesCounted // *FileUse: of a process whose calls fail, or that is near its limit; Proc is the process
	UDPCounted   // *UDPUse: all UDP ports of one local address; Src.Addr is the address

	// DetailLimited says that since First the events between Proc and Dst (of accepted
	// connections Src) are only counted, but for a sample of connections, as there were more than
	// Count a second in all; not any more since Last, if that is set.
	DetailLimited
)

// SpaceChanged reports that a port space has entered another SpaceState: *SpaceUse. It
// follows from the stream and is no part of it, so its number is beyond those of
// recordings.
const SpaceChanged Kind = 0x80

// EventsLost says that events were lost, Count of them, and not even counted by a Fold. It
// follows from Health, and is no part of the stream either.
const EventsLost Kind = 0x81

var kindNames = map[Kind]string{
	Open: "open", Close: "close", ConnectFail: "connect_fail", Bind: "bind", BindFail: "bind_fail",
	SynUnanswered: "syn_unanswered", SpaceChanged: "port_space", Folded: "folded", DetailLimited: "detail_limited", EventsLost: "lost",
}

// Public reports whether users see events of this kind one by one.
func (k Kind) Public() bool {
	return k >= Open && k <= BindFail || k == SynUnanswered || k == SpaceChanged
}

// AboutSocket reports whether an event of this kind belongs to a socket and its owner,
// so that a filter applies to it.
func (k Kind) AboutSocket() bool { return k <= SynAnswered || k == Folded || k == DetailLimited }

// String returns the name used in output and by --kind.
func (k Kind) String() string {
	if name, ok := kindNames[k]; ok {
		return name
	}
	return "internal"
}

// PublicKinds returns the kinds that users see, in the order of the help.
func PublicKinds() []Kind {
	return []Kind{Open, Close, ConnectFail, Bind, BindFail, SynUnanswered, SpaceChanged}
}

// PrintedKinds returns the public ones and those that say what they leave out.
func PrintedKinds() []Kind { return append(PublicKinds(), Folded, DetailLimited, EventsLost) }

// Direction is which end opened the connection.
type Direction uint8

const (
	Unknown Direction = iota // the socket is from before start and nothing shows it
	Out                      // this host called connect()
	In                       // the connection was accepted
)

func (d Direction) String() string { return [...]string{"", "out", "in"}[d] }

// Proto is the transport protocol, by its IANA number.
type Proto uint8

const (
	TCP Proto = 6
	UDP Proto = 17
)

func (p Proto) String() string {
	switch p {
	case TCP:
		return "tcp"
	case UDP:
		return "udp"
	}
	return ""
}

// Op is the call that failed.
type Op uint8

const (
	OpConnect Op = iota + 1
	OpBind
	OpListen
	OpAutobind
)

func (o Op) String() string { return [...]string{"", "connect", "bind", "listen", "autobind"}[o] }

// Reason is why a call failed, in one word. An errno is not enough: EADDRNOTAVAIL has at
// least four causes.
type Reason uint8

const (
	RangeExhausted Reason = iota + 1 // every port of the range is taken towards that destination
	TupleTaken                       // the bound port is already connected to that destination
	PortTaken                        // bind or listen: another socket has the port
	ForeignAddress                   // bind to an address that is not local
	NoIPv6                           // no IPv6 source address or no IPv6 at all
	Unreachable                      // no route, or an ICMP unreachable
	Refused                          // the peer answered with a RST
	TimedOut                         // nothing answered the SYN
	ResetByPeer                      // the peer reset the connection
	OtherReason
	GivenUp // closed by its owner while the SYN had no answer
)

func (r Reason) String() string {
	return [...]string{
		"", "range_exhausted", "tuple_taken", "port_taken", "foreign_address", "no_ipv6",
		"unreachable", "refused", "timeout", "reset", "other", "given_up",
	}[r]
}

// ClosedBy is what ended a connection: the end that sent the first FIN, or what ended it
// without one.
type ClosedBy uint8

const (
	Local ClosedBy = iota + 1
	Remote
	Reset
	Timeout
	Abort // ended by the system
)

func (c ClosedBy) String() string {
	return [...]string{"", "local", "remote", "reset", "timeout", "abort"}[c]
}
