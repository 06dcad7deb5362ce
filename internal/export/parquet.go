package export

import (
	"io"
	"strings"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/export/parquet"
	"github.com/porttrace/porttrace/internal/printable"
)

// tableRow is what a row of the table is made of.
type tableRow struct {
	record
	space *space // of a port space that has changed, else nil
}

// tableColumn is a column of the table. A type is required if JSON has a number in each line.
type tableColumn struct {
	parquet.Column
	value func(*tableRow) parquet.Value
}

func required(name string, kind parquet.Kind, value func(*tableRow) parquet.Value) tableColumn {
	return tableColumn{parquet.Column{Name: name, Kind: kind, Required: true}, value}
}

func nullable(name string, kind parquet.Kind, value func(*tableRow) parquet.Value) tableColumn {
	return tableColumn{parquet.Column{Name: name, Kind: kind}, value}
}

// text is a column of texts, which are safe to print as those of CSV are.
func text(name string, value func(*tableRow) string) tableColumn {
	return nullable(name, parquet.String, func(r *tableRow) parquet.Value { return parquet.Text(printable.String(value(r))) })
}

func moment(name string, value func(*tableRow) string) tableColumn {
	return nullable(name, parquet.Time, func(r *tableRow) parquet.Value {
		t, err := time.Parse(timeLayout, value(r))
		if err != nil { // empty: not known
			return parquet.Value{}
		}
		return parquet.Moment(t)
	})
}

func flagged(name string, value func(*tableRow) *bool) tableColumn {
	return nullable(name, parquet.Bool, func(r *tableRow) parquet.Value { return parquet.Optional(value(r), parquet.Flag) })
}

func counted(name string, value func(*tableRow) *uint64) tableColumn {
	return nullable(name, parquet.Int64, func(r *tableRow) parquet.Value { return parquet.Optional(value(r), parquet.Number) })
}

// ports is a column of a port space that has changed.
func ports(name string, value func(*space) int) tableColumn {
	return nullable(name, parquet.Int64, func(r *tableRow) parquet.Value {
		if r.space == nil {
			return parquet.Value{}
		}
		return parquet.Number(value(r.space))
	})
}

// tableColumns are those of CSV in the same order, and then the process of the holder and what
// JSON has of a port space: its time_wait is a number, and called time_wait_ports here.
var tableColumns = []tableColumn{
	moment("time", func(r *tableRow) string { return r.Time }),
	text("kind", func(r *tableRow) string { return r.Kind }),
	required("pid", parquet.Uint32, func(r *tableRow) parquet.Value { return parquet.Number(r.PID) }),
	required("ppid", parquet.Uint32, func(r *tableRow) parquet.Value { return parquet.Number(r.PPID) }),
	moment("start_time", func(r *tableRow) string { return r.StartTime }),
	text("comm", func(r *tableRow) string { return r.Comm }),
	text("exe", func(r *tableRow) string { return r.Exe }),
	text("container", func(r *tableRow) string { return r.Container }),
	text("unit", func(r *tableRow) string { return r.Unit }),
	nullable("uid", parquet.Uint32, func(r *tableRow) parquet.Value { return parquet.Optional(r.UID, parquet.Number) }),
	required("netns", parquet.Uint32, func(r *tableRow) parquet.Value { return parquet.Number(r.Netns) }),
	text("netns_name", func(r *tableRow) string { return r.NetnsName }),
	required("cookie", parquet.Uint64, func(r *tableRow) parquet.Value { return parquet.Number(r.Cookie) }),
	text("direction", func(r *tableRow) string { return r.Direction }),
	required("family", parquet.Uint16, func(r *tableRow) parquet.Value { return parquet.Number(r.Family) }),
	text("proto", func(r *tableRow) string { return r.Proto }),
	text("saddr", func(r *tableRow) string { return r.Saddr }),
	required("sport", parquet.Uint16, func(r *tableRow) parquet.Value { return parquet.Number(r.Sport) }),
	text("daddr", func(r *tableRow) string { return r.Daddr }),
	required("dport", parquet.Uint16, func(r *tableRow) parquet.Value { return parquet.Number(r.Dport) }),
	text("errno", func(r *tableRow) string { return r.Errno }),
	text("op", func(r *tableRow) string { return r.Op }),
	text("reason", func(r *tableRow) string { return r.Reason }),
	flagged("time_wait", func(r *tableRow) *bool { return r.TimeWait }),
	flagged("fin_wait2", func(r *tableRow) *bool { return r.FinWait2 }),
	text("closed_by", func(r *tableRow) string { return r.ClosedBy }),
	text("reset_by", func(r *tableRow) string { return r.ResetBy }),
	counted("duration_us", func(r *tableRow) *uint64 { return r.DurationUS }),
	counted("close_wait_us", func(r *tableRow) *uint64 { return r.CloseWaitUS }),
	counted("port_search_ns", func(r *tableRow) *uint64 { return r.PortSearchNS }),
	flagged("early_bind", func(r *tableRow) *bool { return r.EarlyBind }),
	flagged("reused", func(r *tableRow) *bool { return r.Reused }),
	text("inferred", func(r *tableRow) string { return strings.Join(r.Inferred, " ") }),
	required("count", parquet.Int64, func(r *tableRow) parquet.Value { return parquet.Number(max(r.Count, 1)) }),
	moment("first", func(r *tableRow) string { return r.First }),
	moment("last", func(r *tableRow) string { return r.Last }),
	counted("opens", func(r *tableRow) *uint64 { return r.Opens }),
	counted("closes", func(r *tableRow) *uint64 { return r.Closes }),
	counted("binds", func(r *tableRow) *uint64 { return r.Binds }),
	counted("time_wait_entered", func(r *tableRow) *uint64 { return r.TimeWaitEntered }),
	counted("syns_unanswered", func(r *tableRow) *uint64 { return r.SynsUnanswered }),
	nullable("holder", parquet.String, func(r *tableRow) parquet.Value {
		return parquet.Optional(r.Holder, func(h holder) parquet.Value { return parquet.Text(h.text) })
	}),
	nullable("bound_port", parquet.Uint16, func(r *tableRow) parquet.Value {
		return parquet.Optional(nonzero(r.BoundPort), parquet.Number)
	}),
	flagged("unanswered", func(r *tableRow) *bool { return r.Unanswered }),
	text("program", func(r *tableRow) string { return r.Program }),
	text("script", func(r *tableRow) string { return r.Script }),
	counted("limit", func(r *tableRow) *uint64 { return nonzero(r.Limit) }),
	text("pod", func(r *tableRow) string { return r.Pod }),
	text("pod_namespace", func(r *tableRow) string { return r.PodNamespace }),
	text("container_name", func(r *tableRow) string { return r.ContainerName }),

	nullable("holder_pid", parquet.Uint32, func(r *tableRow) parquet.Value {
		return parquet.Optional(r.Holder, func(h holder) parquet.Value { return parquet.Number(h.PID) })
	}),
	nullable("holder_exe", parquet.String, func(r *tableRow) parquet.Value {
		return parquet.Optional(r.Holder, func(h holder) parquet.Value { return parquet.Text(printable.String(h.Exe)) })
	}),
	ports("capacity", func(s *space) int { return s.Capacity }),
	ports("in_use", func(s *space) int { return s.InUse }),
	ports("live", func(s *space) int { return s.Live }),
	ports("time_wait_ports", func(s *space) int { return s.TimeWait }),
	ports("bound", func(s *space) int { return s.Bound }),
	ports("headroom", func(s *space) int { return s.Headroom }),
	ports("reusable", func(s *space) int { return s.Reusable }),
}

// Table is a Writer of an Apache Parquet file, which only its Close makes whole: without it no
// program can read the file.
type Table struct {
	out *parquet.Writer
	row []parquet.Value
}

// NewParquet returns a Writer of a row for each event. It keeps up to 65,536 of them, compressed
// together. Times are of nanoseconds in UTC; what is empty in CSV is null. creator is what the
// file is marked with.
func NewParquet(w io.Writer, creator string) (*Table, error) {
	names := make([]parquet.Column, len(tableColumns))
	for i, column := range tableColumns {
		names[i] = column.Column
	}
	out, err := parquet.New(w, creator, names)
	return &Table{out: out, row: make([]parquet.Value, len(tableColumns))}, err
}

func (t *Table) Write(e *event.Event, c Context) error {
	r := tableRow{record: newRecord(e, c)}
	if use, ok := e.Fact.(*event.SpaceUse); ok {
		s := newSpace(e, c, use)
		r.space, r.Reason = &s, s.State // as in CSV
	}
	for i, column := range tableColumns {
		t.row[i] = column.value(&r)
	}
	return t.out.Row(t.row)
}

// Close writes what is kept, and the end of the file.
func (t *Table) Close() error { return t.out.Close() }
