package record

import (
	"github.com/porttrace/porttrace/internal/event"
)

// Field numbers of trace.proto.
const (
	traceFrame = 1

	frameBegin       = 1
	frameEnd         = 2
	frameContext     = 3
	frameProcess     = 4
	frameShape       = 5
	frameFact        = 6
	frameBatchEvents = 7
	frameBatchNow    = 8
	frameColumns     = 16 // the first of them, in the order of the constants below

	contextHost   = 1
	contextSignal = 2
	contextClock  = 3
	contextNetns  = 4
	contextCounts = 5

	factHost    = 1
	factSignals = 2
	factClock   = 3
	factProcess = 4
	factNetns   = 5
	factFold    = 6
	factHealth  = 7
	factNotice  = 8
	factGap     = 9
	factCensus  = 10
	factCounts  = 11
	factFiles   = 12
	factUDP     = 13

	udpHolder       = 7  // in UDPUse, after its plain fields
	processAncestor = 12 // in Process, likewise

	signalsSignal = 1
)

// The columns of a frame, in the order of their field numbers.
const (
	columnShape = iota
	columnTime
	columnLocalPort
	columnRemotePort
	columnCookie
	columnDuration
	columnCloseWait
	columnPortSearch
	columnCount
	columnFirst
	columnLast
	columns
)

// The columns that the events of a shape have a value in, besides the first two.
const (
	hasLocalPort uint32 = 1 << iota
	hasRemotePort
	hasCookie
	hasDuration
	hasCloseWait
	hasPortSearch
	hasCount // and first and last
	hasFact
)

// fields are pointers to the fields of a message, in the order of their numbers in
// trace.proto, from 1. Messages are written from this list and read into it. An int64 is a
// sint64 there, a string is bytes.
type fields []any

func hostFields(h *event.Host) fields { return fields{&h.Name, &h.Kernel, &h.Arch, &h.PIDNS} }

func signalFields(s *event.Signal) fields {
	return fields{&s.Name, (*string)(&s.Mode), &s.Hook, &s.Reason}
}

func clockFields(c *event.Clock) fields { return fields{(*int64)(&c.Mono), &c.Wall, &c.Boot} }

func processFields(p *event.Process) fields {
	return fields{
		&p.ID.PID, &p.ID.Start, &p.PPID, &p.UID, &p.Comm, &p.Exe, &p.Cgroup, &p.Container, &p.Unit, &p.CommandLine, &p.Script,
		nil, // processAncestor
		(*string)(&p.Pod),
	}
}

func ancestorFields(a *event.Ancestor) fields {
	return fields{&a.ID.PID, &a.ID.Start, &a.Comm, &a.Script}
}

func netnsFields(n *event.Netns) fields {
	return fields{
		&n.Inode, &n.Name, &n.TimeWait, &n.Cookie, &n.Ports.Low, &n.Ports.High, &n.Reserved, &n.Reuse, &n.ReuseDelay, &n.MaxTimeWait,
		&n.TimerStep, (*int64)(&n.TimerAt), (*uint8)(&n.Timestamps), &n.FinTimeout, (*uint64)(&n.Refused), &n.Gone,
		(*uint8)(&n.NonlocalBind), (*uint64)(&n.UnprivilegedPort), (*uint64)(&n.MaxOrphans), &n.TCPMem[0], &n.TCPMem[1], &n.TCPMem[2],
		&n.TimeWaitSetting, (*string)(&n.VRFs),
	}
}

func countsFields(c *event.NetnsCounts) fields {
	n := func(counter *event.Counter) *uint64 { return (*uint64)(counter) }
	return fields{
		&c.Netns, n(&c.TimeWaits), n(&c.TimeWaitsRecycled), n(&c.TimeWaitOverflows), n(&c.ListenOverflows), n(&c.ListenDrops),
		n(&c.MemoryAborts), n(&c.AttemptFails), n(&c.SynRetransmits), n(&c.RequestDrops), n(&c.RequestCookies), n(&c.MemoryPressures),
		n(&c.Orphans), n(&c.MemPages), n(&c.Conntrack.Entries), n(&c.Conntrack.Max), n(&c.Conntrack.InsertFailed),
		n(&c.Conntrack.Drops), n(&c.Conntrack.EarlyDrops), (*uint8)(&c.Conntrack.NAT),
	}
}

func censusFields(c *event.Census) fields {
	return fields{&c.Netns, &c.Whole, &c.Bound, &c.Sockets, &c.Took, &c.TimeWait, &c.Wide, (*int64)(&c.Began)}
}

func filesFields(f *event.FileUse) fields { return fields{&f.Open, &f.Limit, &f.Hard} }

func udpFields(u *event.UDPUse) fields {
	return fields{&u.Netns, &u.InUse, &u.Own, &u.Ports.Low, &u.Ports.High, &u.Reserved}
}

// udpHolderFields returns the fields of a holder, with its process by the number in the frame's
// table.
func udpHolderFields(h *event.UDPHolder, proc *uint32) fields { return fields{proc, &h.Ports} }

func foldFields(f *event.Fold) fields {
	return fields{
		&f.Opens, &f.ClosesOut, &f.ClosesIn, &f.ClosesUnknown, &f.ConnectFails, &f.Binds, &f.TimeWaitOut,
		&f.TimeWaitIn, &f.EnterCloseWait, &f.LeaveCloseWait, &f.EnterSynSent, &f.LeaveSynSent,
		&f.EarlyBinds, &f.ResetsOut, &f.Lifetimes,
	}
}

func healthFields(h *event.Health) fields {
	return fields{
		&h.Events, &h.LostDetails, &h.Filtered, &h.Lost, &h.Unattributed, &h.Missed, &h.CPU, &h.Memory,
		&h.Maps, &h.ProgramTime, &h.ProgramRuns, &h.Limited, &h.Repeated,
	}
}

func gapFields(g *event.Gap) fields {
	return fields{(*int64)(&g.Begin), (*int64)(&g.End), &g.Truncated, &g.Unrecorded}
}

// shape has the fields that are equal in events that differ in little but time and port. It
// is the key of a map: there is no padding between its fields, so that Go hashes it in one
// step.
type shape struct {
	procStart, listenerStart uint64
	procPID, listenerPID     uint32
	netns                    uint32
	columns                  uint32
	device                   uint32
	src, dst                 event.Endpoint
	ports                    event.PortRange
	errno                    event.Errno
	flags                    event.Flags
	inferred                 event.Field
	kind                     event.Kind
	direction                event.Direction
	proto                    event.Proto
	op                       event.Op
	reason                   event.Reason
	closedBy                 event.ClosedBy
	resetBy                  event.ClosedBy
	state                    event.State
	count                    uint8
}

// shapeMessage is a place for one shape after another, with the processes by their numbers in the
// frame's table. A storm towards many destinations has nearly as many shapes as events: a list of
// fields made for each of them took half of the time of reading a recording.
type shapeMessage struct {
	shape
	proc, listener uint32
	fields         fields
}

func newShapeMessage() *shapeMessage {
	m := &shapeMessage{}
	m.fields = shapeFields(&m.shape, &m.proc, &m.listener)
	return m
}

// read makes it what the message says.
func (m *shapeMessage) read(b []byte) error {
	m.shape, m.proc, m.listener = shape{}, 0, 0
	return readMessage(b, m.fields)
}

// shapeFields returns the fields of a shape, with the processes by their numbers in the
// frame's table.
func shapeFields(s *shape, proc, listener *uint32) fields {
	return fields{
		(*uint8)(&s.kind), (*uint8)(&s.direction), (*uint8)(&s.proto), (*uint8)(&s.op), (*uint8)(&s.reason),
		(*uint8)(&s.closedBy), (*uint8)(&s.resetBy), (*uint16)(&s.errno), (*uint16)(&s.flags), (*uint16)(&s.inferred),
		&s.netns, proc, listener,
		&s.src.Addr, &s.src.Port, &s.dst.Addr, &s.dst.Port, &s.count, &s.columns,
		(*uint8)(&s.state), &s.device, &s.ports.Low, &s.ports.High,
	}
}
