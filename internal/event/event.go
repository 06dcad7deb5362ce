// Package event defines the plain values of porttrace's one ordered stream.
//
// Everything that the program knows enters as an Event: what sockets did, which process
// owns them, facts of the host and its namespaces, what was lost. What a screen or a report
// shows is a function of this stream alone, from the kernel or from a recording.
package event

// Event is one record of the stream. Kind decides which of the other fields are valid, by the
// table in ARCHITECTURE.md; the others are zero. It is a value: copy it freely.
type Event struct {
	Time Time // when it happened: for an Open, when the SYN was sent
	Kind Kind

	Direction Direction
	Proto     Proto
	Op        Op       // ConnectFail, BindFail: the call that failed
	Reason    Reason   // ConnectFail, BindFail: why it failed
	ClosedBy  ClosedBy // Close: what ended the connection
	ResetBy   ClosedBy // Close by reset: Local or Remote
	Errno     Errno    // ConnectFail, BindFail
	Flags     Flags
	Inferred  Field // which fields were inferred, not observed

	State       State     // SocketFound
	Device      uint32    // index of the interface that the socket is bound to, 0: none
	SocketRange PortRange // IP_LOCAL_PORT_RANGE of the socket, zero: the namespace's

	Netns    uint32 // inode of the network namespace
	Proc     ProcID // the owner of the socket; zero if unknown
	Listener ProcID // of an accepted connection: the process that listens on its port
	Src      Endpoint
	Dst      Endpoint

	Cookie     uint64 // socket cookie (SO_COOKIE), 0 if the kernel gives none
	Duration   uint64 // Close: ns since the SYN (out) or since ESTABLISHED (in)
	CloseWait  uint64 // Close: ns spent in CLOSE_WAIT
	PortSearch uint64 // Open: ns inside inet_hash_connect, 0 if not measured

	// A failure that repeats is folded in the kernel: one event stands for Count occurrences
	// between First and Last. Otherwise Count is 1. Of a SocketFound in TIME_WAIT, First is
	// the time of the scan and Last the expiry.
	Count       uint64
	First, Last Time

	Fact Fact // of the kinds that are not about one socket

	// Of ConnectFail and BindFail, once the socket table was asked: the socket that is in the
	// way; nil if it is unknown or none is.
	Holder *Holder
}

// ProcID identifies a process beyond the reuse of its pid.
type ProcID struct {
	Start uint64 // start time in clock ticks (1/100 s) since boot, field 22 of proc_pid_stat(5)
	PID   uint32 // thread group id, in porttrace's own pid namespace
}

// Known reports whether the process is known.
func (p ProcID) Known() bool { return p.PID != 0 }

// Endpoint is an address and a port in host byte order.
type Endpoint struct {
	Addr Addr
	Port uint16
}

// Flags are properties of one event.
type Flags uint16

const (
	TimeWait     Flags = 1 << iota // Close: it left a bucket in TIME_WAIT
	FinWait2                       // Close, SocketFound: a bucket in FIN_WAIT2, of an orphan that waits for the peer's FIN
	EarlyBind                      // Open: the port was bound before connect
	Reused                         // Open: the port was taken from a TIME_WAIT bucket
	Unanswered                     // the SYN was retransmitted: counted in SYN_SENT
	InCloseWait                    // Close: the connection was counted in CLOSE_WAIT
	Mapped                         // the socket is AF_INET6 with v4-mapped addresses
	ReuseAddr                      // Bind, BindFail: SO_REUSEADDR was set
	ReusePort                      // Bind, BindFail: SO_REUSEPORT was set
	NoPort                         // Bind, BindFail: IP_BIND_ADDRESS_NO_PORT was set
	HadPort                        // ConnectFail: its SYN had been sent, so it ends an Open
	NotSelected                    // the filter does not select it: it counts for its destination only
	OwnedByBind                    // SocketFound: the port's bind bucket is exclusive, so no connect() can take it
	BeforeStart                    // SocketFound: the socket is older than the trace
	NoTimestamps                   // Close, SocketFound: the peer sent no TCP timestamps: no connect() can reuse the bucket
)

// Has reports whether all bits of f are set.
func (f Flags) Has(bits Flags) bool { return f&bits == bits }

// Field is a set of the fields that can be inferred.
type Field uint16

const (
	FieldSport Field = 1 << iota
	FieldErrno
	FieldReason
	FieldTimeWait
	FieldPID
	FieldDirection
	FieldClosedBy
	FieldTime
)

var fieldNames = []string{"sport", "errno", "reason", "time_wait", "pid", "direction", "closed_by", "time"}

// Names returns the fields as JSON spells them.
func (f Field) Names() []string {
	var names []string
	for i, name := range fieldNames {
		if f&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}
