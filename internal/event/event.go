// Package event defines the plain values of porttrace's one ordered stream.
//
// Everything that the program knows enters as an Event: what sockets did, which
// process owns them, what the host and its namespaces are, what was lost. What
// a screen or a report shows is a function of this stream alone, whether it comes
// from the kernel or from a recording.
package event

// Event is one record of the stream. Kind says which of the other fields apply;
// the rest are zero. It is a value: copy it freely.
type Event struct {
	Time Time // when it happened, which for an Open is when its SYN was sent
	Kind Kind

	Direction Direction
	Proto     Proto
	Op        Op       // ConnectFail, BindFail: the call that failed
	Reason    Reason   // ConnectFail, BindFail: why it failed
	ClosedBy  ClosedBy // Close: who ended the connection
	ResetBy   ClosedBy // Close by reset: Local or Remote
	Errno     Errno    // ConnectFail, BindFail
	Flags     Flags
	Inferred  Field // which fields were inferred and not seen

	State  State     // SocketFound
	Device uint32    // index of the interface that the socket is bound to, 0: none
	SocketRange  PortRange // IP_LOCAL_PORT_RANGE of the socket, zero: the namespace's

	Netns    uint32 // inode of the network namespace
	Proc     ProcID // who owns the socket; zero where that is not known
	Listener ProcID // of an accepted connection: who listens on its port
	Src      Endpoint
	Dst      Endpoint

	Cookie     uint64 // socket cookie (SO_COOKIE), 0 where the kernel gives none
	Duration   uint64 // Close: ns since the SYN (out) or since ESTABLISHED (in)
	CloseWait  uint64 // Close: ns spent in CLOSE_WAIT
	PortSearch uint64 // Open: ns inside inet_hash_connect, 0 where not measured

	// A failure that repeats is folded in the kernel into one event that stands
	// for Count occurrences between First and Last. Count is 1 otherwise. Of a
	// SocketFound in TIME_WAIT, Last is when the kernel's timer ends it.
	Count       uint64
	First, Last Time

	Fact Fact // for the kinds that describe the world and not one socket
}

// ProcID identifies a process beyond the reuse of its pid.
type ProcID struct {
	Start uint64 // start time in clock ticks (1/100 s) since boot, field 22 of proc_pid_stat(5)
	PID   uint32 // thread group id, in porttrace's own pid namespace
}

// Known reports whether the process was seen.
func (p ProcID) Known() bool { return p.PID != 0 }

// Endpoint is an address and a port in host byte order.
type Endpoint struct {
	Addr Addr
	Port uint16
}

// Flags are properties of one event.
type Flags uint16

const (
	TimeWait    Flags = 1 << iota // Close: a true TIME_WAIT bucket was made
	FinWait2                      // Close, SocketFound: an orphan's bucket that waits for the peer's FIN
	EarlyBind                     // Open: the port was bound before connect
	Reused                        // Open: the port was taken from a TIME_WAIT bucket
	Unanswered                    // the SYN had to be sent again: counted in SYN_SENT
	InCloseWait                   // Close: the connection was counted in CLOSE_WAIT
	Mapped                        // the socket is AF_INET6 with v4-mapped addresses
	ReuseAddr                     // Bind, BindFail: SO_REUSEADDR was set
	ReusePort                     // Bind, BindFail: SO_REUSEPORT was set
	NoPort                        // Bind, BindFail: IP_BIND_ADDRESS_NO_PORT was set
	HadPort                       // ConnectFail: a port had been taken, so it ends an Open
	NotSelected                   // a filter leaves the event out: it counts for its destination only
	OwnedByBind                   // SocketFound: the port's bind bucket is exclusive, so no connect() can take it
	BeforeStart                   // SocketFound: the socket is older than the trace
	NoTimestamps                  // Close, SocketFound: the peer sent no TCP timestamps: no connect() can reuse the bucket
)

// Has reports whether all bits of f are set.
func (f Flags) Has(bits Flags) bool { return f&bits == bits }

// Field names the fields that can be inferred.
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

// Names lists the fields as they are spelt in JSON.
func (f Field) Names() []string {
	var names []string
	for i, name := range fieldNames {
		if f&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}
