package doctor

import (
	"fmt"
	"slices"

	"github.com/porttrace/porttrace/internal/phrase"
)

// What people wrongly do, and why it does not help.
const (
	wrongFinTimeout = "tcp_fin_timeout: it is the time of FIN_WAIT2 of closed sockets only. TIME_WAIT has a length of its own (TCP_TIMEWAIT_LEN, include/net/tcp.h: 60 s)."
	wrongRecycle    = "tcp_tw_recycle: removed in Linux 4.12; before, it broke every client behind NAT."
	wrongFewBuckets = "A small tcp_max_tw_buckets: connections then skip TIME_WAIT, and segments of an old connection can get into a new one."
	wrongLinger     = "SO_LINGER with 0: close() sends RST, and data that the peer has not read is lost."
	wrongRestart    = "A restart: ports in TIME_WAIT belong to the kernel and stay taken until it is over."
	wrongWholeRange = "The range 1024-65535: it covers the ports of services and NodePorts, which then cannot start."
	wrongMoreFiles  = "A higher file limit alone: what leaks fills that as well, later."
	wrongMorePorts  = "A wider port range: ports are not what is missing here."
	wrongMoreSYNs   = "A wider port range alone: the connection attempts that then find a port get no answer either."
	wrongReuseFlag  = "SO_REUSEADDR on outgoing sockets: bind() to port 0 does not get more ports by it."
	wrongInbound    = "The port range and tcp_tw_reuse: both are for outgoing connections only. An accepted connection uses the port of the listener, however many there are."
	wrongKillOther  = "Killing the holder of the port: the next outgoing connection can get the same port, as long as it is not reserved."
)

// wrongs are those of a cause.
var wrongs = map[Cause][]string{
	Churn:                  {wrongFinTimeout, wrongRecycle, wrongFewBuckets, wrongLinger, wrongRestart, wrongWholeRange},
	SlowPortSearch:         {wrongFinTimeout, wrongRecycle, wrongFewBuckets, wrongLinger},
	Burst:                  {wrongFinTimeout, wrongLinger, wrongWholeRange},
	NarrowRange:            {wrongFinTimeout, wrongWholeRange},
	ReservedRange:          {wrongFinTimeout, wrongWholeRange},
	Leak:                   {"A wider port range, tcp_tw_reuse or tcp_fin_timeout alone: the ports are of open connections, which only the program can close.", wrongMoreFiles},
	CloseWaitLeak:          {"Timeouts of the kernel: CLOSE_WAIT has none, it lasts until the program calls close().", wrongMoreFiles},
	EarlyBind:              {wrongReuseFlag, "tcp_tw_reuse: a port that a bind() has chosen is not reused by it.", wrongFinTimeout},
	OwnPorts:               {"A wider port range of the kernel: a program with a list of its own takes no port outside of it.", wrongFinTimeout},
	HalfOpen:               {wrongMorePorts, "tcp_fin_timeout or tcp_tw_reuse: these connections never were established."},
	RangeOverlapsListeners: {wrongKillOther, "SO_REUSEADDR: it does not let a service listen at a port that an outgoing connection has, nor after that in TIME_WAIT, unless the connection had it set as well."},
	PortTaken:              {wrongMorePorts},
	TupleTaken:             {wrongMorePorts, wrongLinger},
	TimeWaitOverflow:       {wrongFewBuckets, wrongFinTimeout},
	ConntrackFull:          {wrongMorePorts, "Turning connection tracking off where NAT or stateful rules need it: their connections then break."},
	SNAT:                   {"The port range of this host: the ports that ran out are those of the NAT, behind it.", wrongFinTimeout},
	FDLimit:                {"fs.file-max: that is the limit of the whole host. EMFILE comes from the limit of the process (RLIMIT_NOFILE).", wrongMorePorts},
	TCPMemory:              {"tcp_rmem and tcp_wmem: they are for one socket each; the limit that was hit is of all of them (tcp_mem)."},
	ListenOverflow:         {wrongInbound, "net.core.somaxconn alone: the backlog that the program passes to listen() is a limit as well.", "tcp_abort_on_overflow: clients then get RST in place of a second try."},
	InboundOnly:            {wrongInbound, wrongFinTimeout, "MaxUserPort and its like: inbound connections need no ephemeral port."},
	NoIPv6:                 {wrongMorePorts},
	ForeignAddress:         {wrongMorePorts},
	UDPPorts:               {wrongFinTimeout, "tcp_* settings: UDP has no TIME_WAIT, a port is free when its socket is closed."},
}

// wrong returns what people wrongly do about the cause, first what is set here.
func (t *trouble) wrong() []string {
	var list []string
	if fin := t.plan.FinTimeout; fin > 0 && fin < usualFinTimeout && slices.Contains(wrongs[t.Cause], wrongFinTimeout) {
		list = append(list, fmt.Sprintf("tcp_fin_timeout is %s here: that does not shorten TIME_WAIT, which lasts %s.", phrase.Spelled(fin), phrase.Spelled(t.timeWait())))
	}
	if r := t.plan.Ports; r.Size()%2 == 1 {
		list = append(list, fmt.Sprintf("The range %d-%d has ends of the same parity: connect() leaves one port out, and the kernel warns of it.", r.Low, r.High))
	}
	list = append(list, wrongs[t.Cause]...)
	if t.Cause == HalfOpen && t.space != nil && t.space.Taken()*2 > t.space.Capacity {
		list[slices.Index(list, wrongMorePorts)] = wrongMoreSYNs // ports are missing, too, or soon
	}
	return list
}
