package export

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/printable"
)

// columns are the fields of JSON in the same order, without those of a port space.
var columns = []struct {
	name  string
	value func(*record) string
}{
	{"time", func(r *record) string { return r.Time }},
	{"kind", func(r *record) string { return r.Kind }},
	{"pid", func(r *record) string { return number(r.PID) }},
	{"ppid", func(r *record) string { return number(r.PPID) }},
	{"start_time", func(r *record) string { return r.StartTime }},
	{"comm", func(r *record) string { return printable.String(r.Comm) }},
	{"exe", func(r *record) string { return printable.String(r.Exe) }},
	{"container", func(r *record) string { return printable.String(r.Container) }},
	{"unit", func(r *record) string { return printable.String(r.Unit) }},
	{"uid", func(r *record) string { return optional(r.UID, number) }},
	{"netns", func(r *record) string { return number(r.Netns) }},
	{"netns_name", func(r *record) string { return printable.String(r.NetnsName) }},
	{"cookie", func(r *record) string { return number(r.Cookie) }},
	{"direction", func(r *record) string { return r.Direction }},
	{"family", func(r *record) string { return strconv.Itoa(r.Family) }},
	{"proto", func(r *record) string { return r.Proto }},
	{"saddr", func(r *record) string { return r.Saddr }},
	{"sport", func(r *record) string { return number(r.Sport) }},
	{"daddr", func(r *record) string { return r.Daddr }},
	{"dport", func(r *record) string { return number(r.Dport) }},
	{"errno", func(r *record) string { return r.Errno }},
	{"op", func(r *record) string { return r.Op }},
	{"reason", func(r *record) string { return r.Reason }},
	{"time_wait", func(r *record) string { return optional(r.TimeWait, strconv.FormatBool) }},
	{"fin_wait2", func(r *record) string { return optional(r.FinWait2, strconv.FormatBool) }},
	{"closed_by", func(r *record) string { return r.ClosedBy }},
	{"reset_by", func(r *record) string { return r.ResetBy }},
	{"duration_us", func(r *record) string { return optional(r.DurationUS, number) }},
	{"close_wait_us", func(r *record) string { return optional(r.CloseWaitUS, number) }},
	{"port_search_ns", func(r *record) string { return optional(r.PortSearchNS, number) }},
	{"early_bind", func(r *record) string { return optional(r.EarlyBind, strconv.FormatBool) }},
	{"reused", func(r *record) string { return optional(r.Reused, strconv.FormatBool) }},
	{"inferred", func(r *record) string { return strings.Join(r.Inferred, " ") }},
	{"count", func(r *record) string { return number(max(r.Count, 1)) }},
	{"first", func(r *record) string { return r.First }},
	{"last", func(r *record) string { return r.Last }},
	{"opens", func(r *record) string { return optional(r.Opens, number) }},
	{"closes", func(r *record) string { return optional(r.Closes, number) }},
	{"binds", func(r *record) string { return optional(r.Binds, number) }},
	{"time_wait_entered", func(r *record) string { return optional(r.TimeWaitEntered, number) }},
	{"syns_unanswered", func(r *record) string { return optional(r.SynsUnanswered, number) }},
	{"holder", func(r *record) string { return optional(r.Holder, func(h holder) string { return h.text }) }},
	{"bound_port", func(r *record) string { return optional(nonzero(r.BoundPort), number) }},
	{"unanswered", func(r *record) string { return optional(r.Unanswered, strconv.FormatBool) }},
	{"program", func(r *record) string { return printable.String(r.Program) }},
	{"script", func(r *record) string { return printable.String(r.Script) }},
	{"limit", func(r *record) string { return optional(nonzero(r.Limit), number) }},
	{"pod", func(r *record) string { return printable.String(r.Pod) }},
	{"pod_namespace", func(r *record) string { return printable.String(r.PodNamespace) }},
	{"container_name", func(r *record) string { return printable.String(r.ContainerName) }},
}

func nonzero[N uint16 | uint64](n N) *N {
	if n == 0 {
		return nil
	}
	return &n
}

func number[N uint16 | uint32 | uint64](n N) string { return strconv.FormatUint(uint64(n), 10) }

func optional[T any](v *T, text func(T) string) string {
	if v == nil {
		return ""
	}
	return text(*v)
}

type csvWriter struct {
	out *csv.Writer
	row []string
}

// NewCSV writes a line with the names of the columns and returns a Writer of rows
// (RFC 4180). A row is always one line: characters that are not printable are escaped, as
// in text. A value that a spreadsheet would take for a formula begins with an apostrophe.
func NewCSV(w io.Writer) (Writer, error) {
	out := &csvWriter{out: csv.NewWriter(w), row: make([]string, len(columns))}
	for i, column := range columns {
		out.row[i] = column.name
	}
	return out, out.flush()
}

func (w *csvWriter) Write(e *event.Event, c Context) error {
	r := newRecord(e, c)
	if use, ok := e.Fact.(*event.SpaceUse); ok {
		r.Reason = use.State.String() // the columns are fixed and have none for the state
	}
	for i, column := range columns {
		w.row[i] = cell(column.value(&r))
	}
	return w.flush()
}

// cell returns a value that no spreadsheet takes for a formula: names and paths are chosen
// by the traced programs. The apostrophe is what spreadsheets themselves put before text. A
// number stays a number, whatever its sign.
func cell(value string) string {
	if value == "" || !strings.ContainsRune("=+-@", rune(value[0])) {
		return value
	}
	if digits := value[1:]; digits != "" && strings.Trim(digits, "0123456789.") == "" {
		return value
	}
	return "'" + value
}

func (w *csvWriter) flush() error {
	if err := w.out.Write(w.row); err != nil {
		return err
	}
	w.out.Flush()
	return w.out.Error()
}
