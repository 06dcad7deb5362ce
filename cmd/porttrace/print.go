package main

import (
	"bufio"
	"cmp"
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
	cmd.Flags().IntVarP(&f.limit, "number", "n", 0, "end after this many events (0: no limit)")
	cmd.Flags().BoolVarP(&f.failures, "failures", "x", false, "failures only")
	cmd.Flags().StringSliceVar(&f.kinds, "kind", nil, "only events of this kind: "+strings.Join(kindNames(), ", "))
}

func kindNames() []string {
	var names []string
	for _, k := range event.PublicKinds() {
		names = append(names, k.String())
	}
	return names
}

// wanted returns the kinds to print.
func (f *printFlags) wanted() ([]event.Kind, error) {
	if f.limit < 0 {
		return nil, usagef("--number %d: must not be negative", f.limit)
	}
	kinds := event.PublicKinds()
	if f.failures {
		kinds = []event.Kind{event.ConnectFail, event.BindFail, event.SpaceChanged} // of SpaceChanged only the state full, see wants
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
	left     int  // -1: no limit
	out      *bufio.Writer
	writer   export.Writer
}

// printer prints as text with times in the zone.
func (f *printFlags) printer(kinds []event.Kind, format string, to io.Writer, zone *time.Location) (*printer, error) {
	out := bufio.NewWriter(to)
	writer, err := eventWriter(format, out, zone)
	return &printer{kinds: kinds, failures: f.failures, left: cmp.Or(f.limit, -1), out: out, writer: writer}, err
}

func eventWriter(format string, to io.Writer, zone *time.Location) (export.Writer, error) {
	switch format {
	case "json", "jsonl":
		return export.NewJSON(to), nil
	case "csv":
		return export.NewCSV(to)
	}
	return export.NewText(to, zone), nil
}

// options are those of the run whose events are printed.
func (p *printer) options() pipeline.Options {
	return pipeline.Options{Tee: p.print, AfterBatch: p.flush, Thresholds: slices.Contains(p.kinds, event.SpaceChanged)}
}

// wants reports whether the event must be printed.
func (p *printer) wants(e *event.Event) bool {
	if e.Flags.Has(event.NotSelected) || !slices.Contains(p.kinds, e.Kind) {
		return false
	}
	use, ok := e.Fact.(*event.SpaceUse)
	return !ok || !p.failures || use.State == event.SpaceFull
}

func (p *printer) print(e *event.Event, world *event.World) error {
	if !p.wants(e) {
		return nil
	}
	if p.left == 0 {
		return pipeline.ErrStop
	}
	p.left--
	c := export.Context{Netns: world.Netns(e.Netns).Name, Clock: world.Clock}
	if e.Proc.Known() {
		c.Process = world.Process(e.Proc)
	}
	return p.writer.Write(e, c)
}

func (p *printer) flush(event.Time) error {
	if p.left == 0 {
		return pipeline.ErrStop
	}
	return p.out.Flush()
}
