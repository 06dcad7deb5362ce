package main

import (
	"cmp"
	"context"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/porttrace/porttrace/internal/pipeline"
)

type eventsFlags struct {
	liveFlags
	printFlags
	output   outputFlags
	duration time.Duration
}

func eventsCommand() *cobra.Command {
	var flags eventsFlags
	cmd := &cobra.Command{
		Use:   "events [flags] [-- COMMAND ARGS]",
		Short: "print events as they happen, one per line",
		Example: `  sudo porttrace events -x                         # only what fails
  sudo porttrace events -p "$(pgrep -d, php-fpm)"
  sudo porttrace events --dest 10.0.0.0/8:443 --json | jq .`,
		Long: `Prints events in the order in which they arrive: one can be older than those
before it, by 0.2 s, under load by more, as a close is held back until it is
known what it leaves. The field time is when it happened: sort by it.`,
		Args: flags.args,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runEvents(cmd.Context(), &flags)
		},
	}
	flags.liveFlags.register(cmd)
	flags.printFlags.register(cmd)
	flags.registerVerbose(cmd, "also say on standard error how each kind of event is observed")
	flags.output.register(cmd, "text", "json", "csv")
	durationVarP(cmd.Flags(), &flags.duration, "duration", "d", 0, "end after this `TIME`, as in 10s or 5m; a number is seconds")
	return cmd
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
	if flags.duration < 0 {
		return usagef("--duration %s: must not be negative", flags.duration)
	}
	session, err := flags.open(ctx)
	if err != nil {
		return err
	}
	defer session.close()
	ctx, cancel := limited(session.ctx, flags.duration)
	defer cancel()
	out, err := flags.printer(kinds, format, os.Stdout, time.Local, true)
	if err != nil {
		return err
	}
	opts := out.options()
	opts.Filter = session.filter
	out.reportUnobserved(os.Stderr, session.source.Signals())
	if err := session.begin(); err != nil {
		return err
	}
	err = pipeline.Run(ctx, session.stream, opts)
	err = cmp.Or(err, out.out.Flush())
	if err == nil {
		out.leftOut.write(os.Stderr)
		flags.reportUnmatched(os.Stderr, &out.matched)
	}
	return err
}
