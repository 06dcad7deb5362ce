package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/export"
	"github.com/porttrace/porttrace/internal/pipeline"
)

// printFlags choose the events that are printed.
type printFlags struct {
	limit    int
	failures bool
	kinds    []string
}

func (f *printFlags) register(cmd *cobra.Command) {
	cmd.Flags().IntVarP(&f.limit, "number", "n", 0, "end after `N` lines")
	cmd.Flags().BoolVarP(&f.failures, "failures", "x", false, "print failures only")
	listVarP(cmd.Flags(), &f.kinds, "kind", "", nil, "print only events of this `KIND`: "+strings.Join(kindNames(), ", "))
	offer(cmd, "kind", kindNames()...)
	inGroup(cmd.Flags(), groupOutput, "number", "failures", "kind")
}

func kindNames() []string {
	var names []string
	for _, k := range event.PrintedKinds() {
		names = append(names, k.String())
	}
	return names
}

// wanted returns the kinds to print.
func (f *printFlags) wanted() ([]event.Kind, error) {
	if f.limit < 0 {
		return nil, usagef("--number %d: must not be negative", f.limit)
	}
	kinds := event.PrintedKinds()
	if f.failures {
		kinds = []event.Kind{event.ConnectFail, event.BindFail, event.SpaceChanged, event.EventsLost} // of SpaceChanged only the state full, see wants
	}
	if len(f.kinds) == 0 {
		return kinds, nil
	}
	for _, name := range f.kinds {
		if !slices.Contains(kindNames(), name) {
			return nil, usagef("--kind %s: must be one of %s", name, strings.Join(kindNames(), ", "))
		}
	}
	kinds = slices.DeleteFunc(kinds, func(k event.Kind) bool { return !slices.Contains(f.kinds, k.String()) })
	if len(kinds) == 0 {
		return nil, usagef("-x and --kind %s exclude each other", strings.Join(f.kinds, ","))
	}
	return kinds, nil
}

// printer prints the events of a run.
type printer struct {
	kinds    []event.Kind
	failures bool // of SpaceChanged, only the state full
	left     int  // lines, -1: no limit
	leftOut  leftOut
	matched  matched
	out      *bufio.Writer
	writer   export.Writer
}

// printer prints as text with times in the zone. whole says that the stream is printed from
// its beginning.
func (f *printFlags) printer(kinds []event.Kind, format string, to io.Writer, zone *time.Location, whole bool) (*printer, error) {
	out := bufio.NewWriter(to)
	writer, err := eventWriter(format, out, zone)
	p := f.printerOf(kinds, writer, whole)
	p.out = out
	return p, err
}

// printerOf prints into a writer that has its own output.
func (f *printFlags) printerOf(kinds []event.Kind, writer export.Writer, whole bool) *printer {
	return &printer{
		kinds: kinds, failures: f.failures, left: cmp.Or(f.limit, -1), leftOut: leftOut{kinds: kinds, begun: whole},
		out: bufio.NewWriter(io.Discard), writer: writer,
	}
}

func eventWriter(format string, to io.Writer, zone *time.Location) (export.Writer, error) {
	switch format {
	case "json", "jsonl":
		return export.NewJSON(to), nil
	case "csv":
		return export.NewCSV(to)
	case "otlp":
		return export.NewOTLP(to, versionString()), nil
	case "parquet":
		return export.NewParquet(to, "porttrace "+versionString())
	}
	return export.NewText(to, zone), nil
}

// options are those of the run whose events are printed.
func (p *printer) options() pipeline.Options {
	wants := func(kind event.Kind) bool { return slices.Contains(p.kinds, kind) }
	return pipeline.Options{
		Tee: p.print, AfterBatch: p.flush, Thresholds: wants(event.SpaceChanged),
		// Who holds a port, and which bucket was refused, is known by the table of sockets.
		Scans: wants(event.ConnectFail) || wants(event.BindFail) || wants(event.Close),
	}
}

// wants reports whether the event must be printed.
func (p *printer) wants(e *event.Event) bool {
	if e.Flags.Has(event.NotSelected) || !slices.Contains(p.kinds, e.Kind) {
		return false
	}
	if e.Kind == event.DetailLimited && e.Last == 0 && e.Time != e.First { // repeated for recordings
		return false
	}
	switch fact := e.Fact.(type) {
	case *event.SpaceUse:
		return !p.failures || fact.State == event.SpaceFull
	case *event.Fold:
		return fact.Public() > 0 // the rest is of kinds that are never printed
	}
	return true
}

func (p *printer) print(e *event.Event, world *event.World) error {
	if lost := p.leftOut.add(e); lost > 0 {
		e = &event.Event{Time: e.Time, Kind: event.EventsLost, Count: lost}
	}
	p.matched.add(e)
	if !p.wants(e) {
		return nil
	}
	if p.left == 0 {
		return pipeline.ErrStop
	}
	p.left--
	c := export.Context{Netns: world.Netns(e.Netns).Name, Host: world.Host.Name, Clock: world.Clock}
	if e.Proc.Known() {
		c.Process = world.Process(e.Proc)
	}
	if e.Holder != nil && e.Holder.Proc.Known() {
		c.Holder = world.Process(e.Holder.Proc)
	}
	return p.writer.Write(e, c)
}

// interrupted returns an error if the run has ended before the stream, and the format has no use for
// a part.
func (p *printer) interrupted(ctx context.Context) error {
	if _, whole := p.writer.(*export.Table); whole && ctx.Err() != nil {
		return errors.New("interrupted: a Parquet file without its end cannot be read")
	}
	return nil
}

// end writes what the format keeps until the last event, and has after it.
func (p *printer) end() error {
	if w, ok := p.writer.(io.Closer); ok {
		if err := w.Close(); err != nil {
			return err
		}
	}
	return p.out.Flush()
}

func (p *printer) flush(event.Time) error {
	if p.left == 0 {
		return pipeline.ErrStop
	}
	return p.out.Flush()
}
