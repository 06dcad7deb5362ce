package event

// Kind is what an Event says.
type Kind uint8

const (
	// What sockets do. The first five are shown to users.
	Open        Kind = iota + 1 // a local port was taken for an outgoing connection
	Close                       // an established connection, or an outgoing one that was given up, ended
	ConnectFail                 // connect() did not lead to a connection
	Bind                        // a port was taken by bind()
	BindFail                    // bind(), listen() or an autobind failed

	EnterCloseWait // the peer closed first: ESTABLISHED to CLOSE_WAIT
	SynUnanswered  // the SYN of an Open had to be sent again
	SynAnswered    // a connection counted by SynUnanswered was established
	Listen         // a socket began to listen: Proc owns Src

	// What the world is. Fact holds the value.
	HostKnown    // *Host
	SignalsKnown // Signals
	ClockAnchor  // Clock
	ProcessKnown // *Process
	NetnsKnown   // *Netns
	Folded       // *Fold: occurrences that were counted and not delivered one by one
	HealthKnown  // *Health
	Notice       // Text: something the user should read
	Missing      // *Gap: a part of the stream that a recording has lost

	// What a look at all sockets of a namespace has corrected: those from before the
	// start, and what the tracer has missed since.
	CensusTaken // *Census
	SocketFound // Src and Dst have a socket in State; a Dst that is not known: it is only bound
	SocketGone  // and have none any more
)

// SpaceChanged says that a port space has come to another SpaceState: *SpaceUse. It
// follows from the stream and is no part of it, so its number is beyond those of
// recordings.
const SpaceChanged Kind = 0x80

// EventsLost says that events were lost, Count of them, and not even counted by a Fold. It
// follows from Health, and is no part of the stream either.
const EventsLost Kind = 0x81

var kindNames = map[Kind]string{
	Open: "open", Close: "close", ConnectFail: "connect_fail", Bind: "bind", BindFail: "bind_fail", SpaceChanged: "port_space",
	Folded: "folded", EventsLost: "lost",
}

// Public reports whether users see events of this kind one by one.
func (k Kind) Public() bool { return k >= Open && k <= BindFail || k == SpaceChanged }

// AboutSocket reports whether an event of this kind belongs to a socket and its owner,
// so that a filter applies to it.
func (k Kind) AboutSocket() bool { return k <= SynAnswered || k == Folded }

// String is the name used in output and by --kind.
func (k Kind) String() string {
	if name, ok := kindNames[k]; ok {
		return name
	}
	return "internal"
}

// PublicKinds lists the kinds that users see, in the order of their help.
func PublicKinds() []Kind { return []Kind{Open, Close, ConnectFail, Bind, BindFail, SpaceChanged} }

// PrintedKinds are the public ones and those that say what they leave out.
func PrintedKinds() []Kind { return append(PublicKinds(), Folded, EventsLost) }

// Direction tells who opened the connection.
type Direction uint8

const (
	Unknown Direction = iota // the socket existed before the start and nothing tells
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

// Reason says in one word why a call failed. An errno alone does not: EADDRNOTAVAIL
// has at least four causes.
type Reason uint8

const (
	RangeExhausted Reason = iota + 1 // every port of the range is taken towards that destination
	TupleTaken                       // the bound port is already connected to that destination
	PortTaken                        // bind or listen: somebody holds the port
	ForeignAddress                   // bind to an address that is not local
	NoIPv6                           // no IPv6 source address or no IPv6 at all
	Unreachable                      // no route, or an ICMP unreachable
	Refused                          // the peer answered with a RST
	TimedOut                         // nothing answered the SYN
	ResetByPeer                      // the peer reset the connection
	OtherReason
)

func (r Reason) String() string {
	return [...]string{
		"", "range_exhausted", "tuple_taken", "port_taken", "foreign_address", "no_ipv6",
		"unreachable", "refused", "timeout", "reset", "other",
	}[r]
}

// ClosedBy says who ended a connection: the sender of the first FIN, or what
// ended it without one.
type ClosedBy uint8

const (
	Local ClosedBy = iota + 1
	Remote
	Reset
	Timeout
	Abort // given up before it was established, or ended by the system
)

func (c ClosedBy) String() string {
	return [...]string{"", "local", "remote", "reset", "timeout", "abort"}[c]
}
