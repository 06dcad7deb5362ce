package record

import (
	"cmp"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/porttrace/porttrace/internal/event"
)

// shapeOf returns the shape of an event, without the values that go to the columns.
func shapeOf(e *event.Event) shape {
	s := shape{
		kind: e.Kind, direction: e.Direction, proto: e.Proto, op: e.Op, reason: e.Reason, closedBy: e.ClosedBy,
		resetBy: e.ResetBy, errno: e.Errno, flags: e.Flags, inferred: e.Inferred, netns: e.Netns,
		procPID: e.Proc.PID, procStart: e.Proc.Start, listenerPID: e.Listener.PID, listenerStart: e.Listener.Start,
		src: e.Src, dst: e.Dst, state: e.State, device: e.Device, ports: e.SocketRange, columns: columnsOf(e),
	}
	if s.columns&hasLocalPort != 0 {
		s.src.Port = 0
	}
	if s.columns&hasRemotePort != 0 {
		s.dst.Port = 0
	}
	if s.columns&hasCount == 0 {
		s.count = uint8(e.Count)
	}
	return s
}

// columnsOf returns the columns in which the event has a value. A port is in a column if it
// differs between connections of one shape: the local port of outgoing connections, the
// remote port of accepted ones, and both if the direction is unknown.
func columnsOf(e *event.Event) uint32 {
	unknown := e.Direction == event.Unknown && (e.Kind == event.Close || e.Kind == event.SocketFound || e.Kind == event.SocketGone)
	return bit(hasLocalPort, e.Src.Port != 0 && (e.Direction == event.Out || unknown || e.Kind == event.Bind)) |
		bit(hasRemotePort, e.Dst.Port != 0 && (e.Direction == event.In || unknown)) |
		bit(hasCookie, e.Cookie != 0) |
		bit(hasDuration, e.Duration != 0) |
		bit(hasCloseWait, e.CloseWait != 0) |
		bit(hasPortSearch, e.PortSearch != 0) |
		bit(hasCount, e.Count > 1 || e.First != 0 || e.Last != 0) |
		bit(hasFact, e.Fact != nil)
}

// bit returns the bit if it is to be set, else 0.
func bit(bit uint32, set bool) uint32 {
	if set {
		return bit
	}
	return 0
}

func (f *frame) addTable(n protowire.Number, message fields) {
	f.scratch = appendMessage(f.scratch[:0], message)
	f.tables = appendBytes(f.tables, n, f.scratch)
}

func (f *frame) addShape(s shape, e *event.Event, world *event.World) uint32 {
	m := f.shape
	m.shape, m.proc, m.listener = s, f.process(e.Proc, world), f.process(e.Listener, world)
	number := uint32(len(f.shapes))
	f.shapes[s] = number
	f.addTable(frameShape, m.fields)
	return number
}

// process returns the number of the process in the table, from 1; 0 is no process.
func (f *frame) process(id event.ProcID, world *event.World) uint32 {
	if id == (event.ProcID{}) {
		return 0
	}
	if n, ok := f.processes[id]; ok {
		return n
	}
	return f.addProcess(world.Process(id))
}

func (f *frame) addProcess(p *event.Process) uint32 {
	n, ok := f.processes[p.ID]
	if !ok {
		n = uint32(len(f.processes) + 1)
		f.processes[p.ID] = n
		f.scratch = appendProcess(f.scratch[:0], p)
		f.tables = appendBytes(f.tables, frameProcess, f.scratch)
	}
	return n
}

// addWorld adds the wall clock to the header, and the context to the frame if it is due.
func (f *frame) addWorld(world *event.World) {
	if wall := world.Clock.WallTime(f.begin); !wall.IsZero() {
		f.wall = wall.UnixNano()
	}
	if f.context {
		f.addContext(world)
	}
}

func (f *frame) addContext(world *event.World) {
	var context []byte
	add := func(n protowire.Number, message fields) {
		f.scratch = appendMessage(f.scratch[:0], message)
		context = appendBytes(context, n, f.scratch)
	}
	add(contextHost, hostFields(&world.Host))
	for _, s := range world.Signals {
		add(contextSignal, signalFields(&s))
	}
	add(contextClock, clockFields(&world.Clock))
	for _, n := range namespaces(world) {
		add(contextNetns, netnsFields(n))
	}
	for _, c := range netnsCounts(world) {
		add(contextCounts, countsFields(c))
	}
	f.tables = appendBytes(f.tables, frameContext, context)
}

func namespaces(world *event.World) []*event.Netns {
	var list []*event.Netns
	world.EachNetns(func(n *event.Netns) { list = append(list, n) })
	slices.SortFunc(list, func(a, b *event.Netns) int { return cmp.Compare(a.Inode, b.Inode) })
	return list
}

func netnsCounts(world *event.World) []*event.NetnsCounts {
	var list []*event.NetnsCounts
	world.EachCounts(func(c *event.NetnsCounts) { list = append(list, c) })
	slices.SortFunc(list, func(a, b *event.NetnsCounts) int { return cmp.Compare(a.Netns, b.Netns) })
	return list
}

func (f *frame) addFact(fact event.Fact, world *event.World) {
	var n protowire.Number
	var message []byte
	set := func(number protowire.Number, list fields) {
		n, message = number, appendMessage(f.scratch[:0], list)
	}
	switch fact := fact.(type) {
	case *event.Host:
		set(factHost, hostFields(fact))
	case event.Signals:
		n, message = factSignals, appendSignals(f.scratch[:0], fact)
	case event.Clock:
		set(factClock, clockFields(&fact))
	case *event.Process:
		f.addProcess(&event.Process{ID: fact.ID}) // the rest comes with this event and not before it
		n, message = factProcess, appendProcess(f.scratch[:0], fact)
	case *event.Netns:
		set(factNetns, netnsFields(fact))
	case *event.NetnsCounts:
		set(factCounts, countsFields(fact))
	case *event.Census:
		set(factCensus, censusFields(fact))
	case *event.FileUse:
		set(factFiles, filesFields(fact))
	case *event.UDPUse:
		n, message = factUDP, f.appendUDP(fact, world)
	case *event.Fold:
		set(factFold, foldFields(fact))
	case *event.Health:
		set(factHealth, healthFields(fact))
	case event.Text:
		n, message = factNotice, append(f.scratch[:0], fact...)
	case *event.Gap:
		set(factGap, gapFields(fact))
	}
	f.scratch = message
	size := protowire.SizeTag(n) + protowire.SizeBytes(len(message))
	f.tables = protowire.AppendTag(f.tables, frameFact, protowire.BytesType)
	f.tables = protowire.AppendVarint(f.tables, uint64(size))
	f.tables = appendBytes(f.tables, n, message)
}

// appendUDP returns the message of a UDPUse. Its holders are named by the frame's table, which
// must not be written in the middle of the message.
func (f *frame) appendUDP(u *event.UDPUse, world *event.World) []byte {
	holders := u.Holders[:min(len(u.Holders), maxUDPHolders)]
	numbers := make([]uint32, len(holders))
	for i := range holders {
		numbers[i] = f.process(holders[i].Proc, world)
	}
	b := appendMessage(f.scratch[:0], udpFields(u))
	for i := range holders {
		b = appendBytes(b, udpHolder, appendMessage(nil, udpHolderFields(&holders[i], &numbers[i])))
	}
	return b
}

func appendSignals(b []byte, signals event.Signals) []byte {
	for _, s := range signals {
		b = appendBytes(b, signalsSignal, appendMessage(nil, signalFields(&s)))
	}
	return b
}
