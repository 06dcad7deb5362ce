package snapshot

import (
	"bytes"
	"cmp"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// ProcessColumns are the orders of processes, in the sequence of a wide table.
func ProcessColumns() []Column[Process] {
	total := func(p *Process) *Totals { return &p.Totals }
	columns := []Column[Process]{
		{"pid", ascending(func(p *Process) uint32 { return p.Info.ID.PID })},
		{"command", ascending(func(p *Process) string { return p.Info.Comm })},
		{"open_rate", then(descending(func(p *Process) float64 { return p.Rates.Opens }),
			descending(func(p *Process) uint64 { return p.Opens }))},
	}
	columns = append(columns, totalColumns(total)...)
	columns = append(columns,
		Column[Process]{"executable", ascending(func(p *Process) string { return p.Info.Exe })},
		Column[Process]{"group", ascending(func(p *Process) string { return Group(&p.Info) })},
	)
	return withTie(columns, func(a, b *Process) int { return compareProc(a.Info.ID, b.Info.ID) })
}

// GroupColumns are the orders of groups of processes.
func GroupColumns() []Column[ProcessGroup] {
	columns := []Column[ProcessGroup]{
		{"name", ascending(func(g *ProcessGroup) string { return g.Name })},
		{"processes", descending(func(g *ProcessGroup) int { return g.Processes() })},
		{"open_rate", then(descending(func(g *ProcessGroup) float64 { return g.Rates.Opens }),
			descending(func(g *ProcessGroup) uint64 { return g.Opens }))},
	}
	columns = append(columns, totalColumns(func(g *ProcessGroup) *Totals { return &g.Totals })...)
	return withTie(columns, func(a, b *ProcessGroup) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Executable, b.Executable), cmp.Compare(a.Script, b.Script),
			compareProc(a.Parent, b.Parent), compareBool(a.Unknown, b.Unknown))
	})
}

// DestinationColumns are the orders of destinations.
func DestinationColumns() []Column[Destination] {
	total := func(d *Destination) *Totals { return &d.Totals }
	columns := []Column[Destination]{
		{"destination", func(a, b *Destination) int { return compareEndpoint(a.Remote, b.Remote) }},
		{"netns", ascending(func(d *Destination) string { return d.NetnsName })},
		{"open_rate", then(descending(func(d *Destination) float64 { return d.Rates.Opens }),
			descending(func(d *Destination) uint64 { return d.Opens }))},
	}
	columns = append(columns, totalColumns(total)...)
	return withTie(columns, func(a, b *Destination) int {
		return cmp.Or(compareEndpoint(a.Remote, b.Remote), cmp.Compare(a.Netns, b.Netns), cmp.Compare(a.Proto, b.Proto))
	})
}

// PairColumns are the orders of the destinations of a process, and of the processes of a
// destination.
func PairColumns() []Column[Pair] {
	return withTie(totalColumns(func(p *Pair) *Totals { return &p.Totals }), func(a, b *Pair) int {
		return cmp.Or(compareProc(a.Proc, b.Proc), compareEndpoint(a.Remote, b.Remote), cmp.Compare(a.Netns, b.Netns),
			cmp.Compare(a.Proto, b.Proto))
	})
}

// FailureColumns are the orders of failures.
func FailureColumns() []Column[Failure] {
	last := newest(func(f *Failure) time.Time { return f.Last })
	columns := []Column[Failure]{
		{"count", descending(func(f *Failure) uint64 { return f.Count })},
		{"rate", then(descending(func(f *Failure) float64 { return f.Rate }), last)},
		{"process", ascending(func(f *Failure) string { return f.Proc.Comm })},
		{"call", ascending(func(f *Failure) event.Op { return f.Op })},
		{"errno", ascending(func(f *Failure) string { return f.Errno.String() })},
		{"reason", ascending(func(f *Failure) string { return f.Reason.String() })},
		{"target", func(a, b *Failure) int { return compareEndpoint(a.Target, b.Target) }},
		{"last", last},
		{"local", func(a, b *Failure) int { return compareEndpoint(a.Local, b.Local) }},
	}
	return withTie(columns, func(a, b *Failure) int {
		return cmp.Or(compareProc(a.Proc.ID, b.Proc.ID), compareEndpoint(a.Target, b.Target),
			cmp.Compare(a.Netns, b.Netns), cmp.Compare(a.Proto, b.Proto), cmp.Compare(a.Op, b.Op),
			cmp.Compare(a.Errno, b.Errno), cmp.Compare(a.Reason, b.Reason))
	})
}

// SpaceColumns are the orders of port spaces.
func SpaceColumns() []Column[PortSpace] {
	number := func(name string, value func(*PortSpace) int) Column[PortSpace] {
		return Column[PortSpace]{name, descending(value)}
	}
	allocating := func(a, b *PortSpace) int { return compareBool(!a.HasAllocations(), !b.HasAllocations()) }
	failing := descending(func(s *PortSpace) float64 { return s.ExhaustionRate })
	return withTie([]Column[PortSpace]{
		{"taken", then(allocating, then(descending((*PortSpace).TakenShare), then(failing, descending((*PortSpace).InUse))))},
		{"kind", ascending(func(s *PortSpace) SpaceKind { return s.Kind })},
		{"netns", ascending(func(s *PortSpace) string { return s.NetnsName })},
		{"space", comparePorts},
		number("in_use", (*PortSpace).InUse),
		number("live", func(s *PortSpace) int { return s.Live }),
		number("time_wait", func(s *PortSpace) int { return s.TimeWait }),
		number("bound", func(s *PortSpace) int { return s.Bound }),
		{"headroom", then(descending(func(s *PortSpace) int { return min(s.Capacity, 1) }), ascending((*PortSpace).Headroom))},
		{"wanted", descending(func(s *PortSpace) float64 { return s.Wanted })},
		{"eta", ascending((*PortSpace).timeToFull)},
		{"exhausted", then(failing, descending(func(s *PortSpace) uint64 { return s.Exhausted }))},
		number("peak", func(s *PortSpace) int { return s.Peak }),
	}, comparePorts)
}

// comparePorts orders port spaces by their identity.
func comparePorts(a, b *PortSpace) int {
	return cmp.Or(compareEndpoint(a.Remote, b.Remote), bytes.Compare(a.Local[:], b.Local[:]),
		cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Netns, b.Netns), cmp.Compare(a.Proto, b.Proto),
		cmp.Compare(a.Device, b.Device), cmp.Compare(a.Range.Low, b.Range.Low), cmp.Compare(a.Range.High, b.Range.High))
}

// ColumnNamed returns the column of a name.
func ColumnNamed[T any](columns []Column[T], name string) (Column[T], bool) {
	for _, c := range columns {
		if c.Name == name {
			return c, true
		}
	}
	return Column[T]{}, false
}

// Group returns the container of a process by its pod, else by its id, else its unit, else its
// cgroup.
func Group(p *event.Process) string { return cmp.Or(string(p.Pod), p.Container, p.Unit, p.Cgroup) }

// totalColumns are the orders of every row with Totals.
func totalColumns[T any](of func(*T) *Totals) []Column[T] {
	by := func(value func(*Totals) int64) func(a, b *T) int {
		return descending(func(row *T) int64 { return value(of(row)) })
	}
	return []Column[T]{
		{"opens", by(func(t *Totals) int64 { return int64(t.Opens) })},
		{"live", by(func(t *Totals) int64 { return t.Live() })},
		{"time_wait", by(func(t *Totals) int64 { return t.TimeWaitOut })},
		{"failures", by(func(t *Totals) int64 { return int64(t.Failed()) })},
		{"syn_sent", by(func(t *Totals) int64 { return t.SynSent })},
		{"close_wait", by(func(t *Totals) int64 { return t.CloseWait })},
		{"closes", by(func(t *Totals) int64 { return int64(t.Closes()) })},
		{"before_start", by(func(t *Totals) int64 { return t.BeforeStart })},
		{"time_wait_in", by(func(t *Totals) int64 { return t.TimeWaitIn })},
		{"lifetime_p50", by(func(t *Totals) int64 { return int64(t.LifetimeP50) })},
	}
}

// withTie makes each order total by the identity of the rows.
func withTie[T any](columns []Column[T], tie func(a, b *T) int) []Column[T] {
	for i := range columns {
		columns[i].Compare = then(columns[i].Compare, tie)
	}
	return columns
}

func newest[T any](value func(*T) time.Time) func(a, b *T) int {
	return func(a, b *T) int { return value(b).Compare(value(a)) }
}

// compareBool orders false before true.
func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

func compareProc(a, b event.ProcID) int {
	return cmp.Or(cmp.Compare(a.PID, b.PID), cmp.Compare(a.Start, b.Start))
}

func compareEndpoint(a, b event.Endpoint) int {
	return cmp.Or(bytes.Compare(a.Addr[:], b.Addr[:]), cmp.Compare(a.Port, b.Port))
}
