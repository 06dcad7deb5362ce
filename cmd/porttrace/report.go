package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/porttrace/porttrace/internal/pipeline"
	"github.com/porttrace/porttrace/internal/report"
)

type reportFlags struct {
	liveFlags
	output   outputFlags
	duration time.Duration
	file     string
}

func reportCommand() *cobra.Command {
	var flags reportFlags
	cmd := &cobra.Command{
		Use:   "report [flags] [-- COMMAND ARGS]",
		Short: "What happened in the next seconds, summed up",
		Long:  "Traces for --duration, or until Ctrl-C or the end of the command, and then reports.",
		Args:  flags.args,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runReport(cmd.Context(), cmd.Flags().Changed("duration"), &flags)
		},
	}
	flags.register(cmd)
	flags.output.register(cmd, "text", "json")
	cmd.Flags().DurationVarP(&flags.duration, "duration", "d", 10*time.Second, "how long to trace")
	cmd.Flags().StringVarP(&flags.file, "output", "o", "", "write the report to this file")
	return cmd
}

func runReport(ctx context.Context, bounded bool, flags *reportFlags) error {
	format, err := flags.output.chosen()
	if err != nil {
		return err
	}
	if flags.duration <= 0 {
		return usagef("--duration %s: it must be more than nothing", flags.duration)
	}
	out := os.Stdout
	if flags.file != "" { // now, and not after the tracing
		if out, err = os.Create(flags.file); err != nil {
			return fmt.Errorf("writing the report: %w", err)
		}
		defer out.Close()
	}
	session, err := flags.open(ctx, os.Stderr)
	if err != nil {
		return err
	}
	defer session.close()
	duration := flags.duration
	if session.child != nil && !bounded {
		duration = 0 // the command's own end is the end
	}
	ctx, cancel := limited(session.ctx, duration)
	defer cancel()
	last, err := pipeline.Run(ctx, session.source, pipeline.Options{Filter: session.filter})
	if err != nil {
		return err
	}
	if format == "json" {
		return report.JSON(out, last)
	}
	return report.Text(out, last)
}
