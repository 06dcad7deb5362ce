package tui

import (
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/snapshot"
	"github.com/porttrace/porttrace/internal/verdict"
	"github.com/porttrace/porttrace/tui/query"
)

// failureKey identifies a kind of failure: of a program, or of processes of which it is not known.
type failureKey struct {
	program snapshot.ProgramKey
	netns   uint32
	proto   event.Proto
	op      event.Op
	errno   event.Errno
	reason  event.Reason
	target  event.Endpoint
}

func keyOfFailure(f *snapshot.ProgramFailure) failureKey {
	return failureKey{f.Program.ProgramKey, f.Netns, f.Proto, f.Op, f.Errno, f.Reason, f.Target}
}

// keyOfProcessFailure returns the row that the failures of one process are in.
func keyOfProcessFailure(f *snapshot.Failure) failureKey {
	return failureKey{snapshot.ProgramOf(&f.Proc), f.Netns, f.Proto, f.Op, f.Errno, f.Reason, f.Target}
}

// failureOfProcess is the failures of one process as a row of the table.
func failureOfProcess(f *snapshot.Failure) snapshot.ProgramFailure {
	return snapshot.ProgramFailure{Failure: *f, Program: snapshot.NewProgram(&f.Proc)}
}

// failures is the table of failures and their reasons, those of all processes of a program in one row.
type failures struct {
	table[snapshot.ProgramFailure, failureKey]
}

func newFailures() *failures {
	f := &failures{}
	now := func() time.Time { return f.snapshot.Wall }
	f.columns = ordered(failureColumns(now, true), failureOrders())
	f.order = "rate"
	f.source = snapshot.FailuresByProgram
	f.key = keyOfFailure
	f.traced = true
	f.fields, f.fillRow = processFields|placeFields|failureFields, failureRow
	f.state = failing
	f.detail = func(row followed[snapshot.ProgramFailure, failureKey]) subject { return &failureDetail{row} }
	return f
}

// failureOrders are those of failures, for rows by program.
func failureOrders() []snapshot.Column[snapshot.ProgramFailure] {
	var list []snapshot.Column[snapshot.ProgramFailure]
	for _, c := range snapshot.FailureColumns() {
		list = append(list, snapshot.Column[snapshot.ProgramFailure]{
			Name: c.Name, Compare: func(a, b *snapshot.ProgramFailure) int { return c.Compare(&a.Failure, &b.Failure) },
		})
	}
	return list
}

// failureColumns are the columns of the table, and of a detail that may omit the program.
func failureColumns(now func() time.Time, withProgram bool) []column[snapshot.ProgramFailure] {
	type row = snapshot.ProgramFailure
	number := func(name, title string, rank, width int, cell func(*row) string) column[row] {
		return column[row]{
			name: name, title: title, rank: rank, min: width,
			cell: func(f *row, _ int) string { return cell(f) },
		}
	}
	words := func(name, title string, rank, least, most int, cell func(*row, int) string) column[row] {
		return column[row]{name: name, title: title, rank: rank, min: least, max: most, left: true, rising: true, cell: cell}
	}
	columns := []column[row]{
		number("count", "COUNT", 1, 7, func(f *row) string { return phrase.Count(f.Count) }),
		number("rate", "RATE", 5, 5, func(f *row) string { return phrase.Rate(f.Rate) }),
	}
	columns[1].tone = failing
	if withProgram {
		columns = append(columns, words("process", "PROGRAM", 2, 12, 28, failureProgram))
	}
	return append(columns,
		words("call", "CALL", 7, 8, 0, func(f *row, _ int) string { return f.Op.String() }),
		words("errno", "ERRNO", 3, 14, 15, func(f *row, _ int) string { return phrase.Errno(&f.Failure) }),
		words("reason", "REASON", 0, 16, 17, func(f *row, _ int) string { return reason(&f.Failure) }),
		words("target", "TARGET", 4, 20, 48, func(f *row, width int) string { return targetOf(&f.Failure, width) }),
		number("last", "LAST", 6, 10, func(f *row) string { return phrase.Ago(now(), f.Last) }),
		words("local", "LOCAL", 8, 21, 48, func(f *row, width int) string { return failureLocal(&f.Failure, width) }),
	)
}

// failing returns the tone of a failure: it happens now, or it is past.
func failing(f *snapshot.ProgramFailure) tone {
	if f.Rate > 0 {
		return fail
	}
	return quiet
}

func failureProgram(f *snapshot.ProgramFailure, width int) string {
	if f.Inferred&event.FieldPID != 0 {
		return "~" + programName(&f.Program, width-1)
	}
	return programName(&f.Program, width)
}

func failureLocal(f *snapshot.Failure, width int) string {
	switch {
	case !f.Local.Known():
		return phrase.Unknown
	case f.Inferred&event.FieldSport != 0:
		return "~" + endpoint(f.Local, width-1)
	}
	return endpoint(f.Local, width)
}

func reason(f *snapshot.Failure) string {
	return phrase.Marked(f.Inferred, event.FieldReason, f.Reason.String())
}

func (f *failures) set(s *snapshot.Snapshot, filter *query.Query) {
	f.empty = noFailures(s)
	f.show(s, nil, filter)
}

// noFailures returns why the table is empty: that can be for want of a signal.
func noFailures(s *snapshot.Snapshot) [2]string {
	const row = "a row appears for each kind of failure"
	if limits := phrase.Limits(s); len(limits) > 0 {
		return [...]string{"no failure was seen", limits[0] + "; " + row}
	}
	return [...]string{"no connect() or bind() has failed", row}
}

func (f *failures) begin(_ *snapshot.Snapshot, v *verdict.Verdict) {
	f.foremost = nil
	if v.Failure != nil {
		row := failureOfProcess(v.Failure)
		f.foremost = new(keyOfFailure(&row))
	}
}
