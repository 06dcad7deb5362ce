package main

import (
	"bufio"
	"cmp"
	"context"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/export"
	"github.com/porttrace/porttrace/internal/pipeline"
)

type eventsFlags struct {
	liveFlags
	output   outputFlags
	duration time.Duration
	limit    int
	failures bool
	kinds    []string
}

func eventsCommand() *cobra.Command {
	var flags eventsFlags
	cmd := &cobra.Command{
		Use:   "events [flags] [-- COMMAND ARGS]",
		Short: "One line an event, as it happens",
		Args:  flags.args,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runEvents(cmd.Context(), &flags)
		},
	}
	flags.register(cmd)
	flags.output.register(cmd, "text", "json", "csv")
	cmd.Flags().DurationVarP(&flags.duration, "duration", "d", 0, "end after this time")
	cmd.Flags().IntVarP(&flags.limit, "number", "n", 0, "end after this many events")
	cmd.Flags().BoolVarP(&flags.failures, "failures", "x", false, "failures only")
	cmd.Flags().StringSliceVar(&flags.kinds, "kind", nil, "only events of this kind: "+strings.Join(kindNames(), ", "))
	return cmd
}

func kindNames() []string {
	var names []string
	for _, k := range event.PublicKinds() {
		names = append(names, k.String())
	}
	return names
}

// wanted are the kinds to print.
func (f *eventsFlags) wanted() ([]event.Kind, error) {
	kinds := event.PublicKinds()
	if f.failures {
		kinds = []event.Kind{event.ConnectFail, event.BindFail}
	}
	if len(f.kinds) == 0 {
		return kinds, nil
	}
	for _, name := range f.kinds {
		if !slices.Contains(kindNames(), name) {
			return nil, usagef("--kind %s: it must be of %s", name, strings.Join(kindNames(), ", "))
		}
	}
	kinds = slices.DeleteFunc(kinds, func(k event.Kind) bool { return !slices.Contains(f.kinds, k.String()) })
	if len(kinds) == 0 {
		return nil, usagef("-x and --kind %s exclude each other", strings.Join(f.kinds, ","))
	}
	return kinds, nil
}

func runEvents(ctx context.Context, flags *eventsFlags) error {
	kinds, err := flags.wanted()
	if err != nil {
		return err
	}
	format, err := flags.output.chosen()
	if err != nil {
		return err
	}
	if flags.duration < 0 || flags.limit < 0 {
		return usagef("--duration and --number cannot be less than nothing")
	}
	session, err := flags.open(ctx, os.Stderr)
	if err != nil {
		return err
	}
	defer session.close()
	ctx, cancel := limited(session.ctx, flags.duration)
	defer cancel()
	out := bufio.NewWriter(os.Stdout)
	writer, err := eventWriter(format, out)
	if err != nil {
		return err
	}
	left := cmp.Or(flags.limit, -1)
	_, err = pipeline.Run(ctx, session.source, pipeline.Options{
		Filter: session.filter,
		Tee: func(e *event.Event, world *event.World) error {
			if !slices.Contains(kinds, e.Kind) || e.Flags.Has(event.NotSelected) {
				return nil
			}
			if left == 0 {
				return pipeline.ErrStop
			}
			left--
			return writer.Write(e, export.Context{
				Process: world.Process(e.Proc), Netns: world.Netns(e.Netns).Name, Clock: world.Clock,
			})
		},
		AfterBatch: func(event.Time) error {
			if left == 0 {
				return pipeline.ErrStop
			}
			return out.Flush()
		},
	})
	return cmp.Or(err, out.Flush())
}

func eventWriter(format string, to io.Writer) (export.Writer, error) {
	switch format {
	case "json":
		return export.NewJSON(to), nil
	case "csv":
		return export.NewCSV(to)
	}
	return export.NewText(to, time.Local), nil
}

// limited is ctx with an end, if there is a duration.
func limited(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	if d <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, d)
}
