package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/porttrace/porttrace/internal/pipeline"
	"github.com/porttrace/porttrace/internal/report"
	"github.com/porttrace/porttrace/internal/snapshot"
)

type reportFlags struct {
	liveFlags
	windowFlags
	output   outputFlags
	group    groupFlag
	duration time.Duration
	census   bool
	file     string
	force    bool
}

func reportCommand() *cobra.Command {
	var flags reportFlags
	cmd := &cobra.Command{
		Use:   "report [FILE] [flags] [-- COMMAND ARGS]",
		Short: "Summarizes a recording, or the next seconds",
		Long: `Summarizes a recording. Without one, traces for --duration, or until Ctrl-C or the end of
the command, and then summarizes that.`,
		Args: flags.operands,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 && cmd.ArgsLenAtDash() != 0 {
				return runReportOf(cmd.Context(), args[0], &flags)
			}
			return runReport(cmd.Context(), &flags)
		},
	}
	flags.liveFlags.register(cmd)
	flags.windowFlags.register(cmd)
	flags.output.register(cmd, "text", "json")
	flags.group.register(cmd)
	cmd.Flags().DurationVarP(&flags.duration, "duration", "d", 10*time.Second, "how long to trace")
	cmd.Flags().StringVarP(&flags.file, "output", "o", "", "write the report to this file")
	cmd.Flags().BoolVar(&flags.force, "force", false, "overwrite the file if it exists")
	cmd.Flags().BoolVar(&flags.census, "census", false, "only list the sockets that exist: without privileges and BPF, with the owners that /proc shows")
	return cmd
}

// operands allows a recording or a command, and refuses the flags of the other case.
func (f *reportFlags) operands(cmd *cobra.Command, args []string) error {
	if len(args) == 0 || cmd.ArgsLenAtDash() == 0 {
		for _, flag := range []string{"from", "to"} {
			if f.given(flag) {
				return usagef("--%s is for a recording: name its file", flag)
			}
		}
		if err := f.args(cmd, args); err != nil {
			return err
		}
		return f.checkCensus()
	}
	if f.given("duration") {
		return usagef("--duration is for tracing: --from and --to choose a part of a recording")
	}
	for _, flag := range []string{"hooks", "ring-bytes", "census"} {
		if f.given(flag) {
			return usagef("--%s is for tracing, and %s is a recording", flag, args[0])
		}
	}
	return oneFile(cmd, args)
}

// checkCensus refuses flags that --census cannot obey.
func (f *reportFlags) checkCensus() error {
	if f.census && (len(f.program) > 0 || !f.request.Empty() || f.given("hooks") || f.given("ring-bytes")) {
		return usagef("--census lists all sockets and traces nothing: it takes no filter, no hooks and no command")
	}
	return nil
}

// out opens the output. Callers must do so before they trace or read for long.
func (f *reportFlags) out(ctx context.Context) (*os.File, error) {
	if f.file == "" {
		return os.Stdout, nil
	}
	return createFile(ctx, "writing the report", f.file, 0, 0o666, f.force)
}

// overwrites reports whether the report would replace the recording.
func (f *reportFlags) overwrites(recording string) bool {
	from, err := os.Stat(recording)
	if err != nil {
		return false
	}
	to, err := os.Stat(f.file)
	return err == nil && os.SameFile(from, to)
}

func runReport(ctx context.Context, flags *reportFlags) error {
	form, err := flags.form()
	if err != nil {
		return err
	}
	if flags.duration <= 0 {
		return usagef("--duration %s: must be positive", flags.duration)
	}
	if flags.census {
		return runCensus(ctx, flags, form)
	}
	session, err := flags.open(ctx, os.Stderr)
	if errors.As(err, new(untraceable)) {
		return fmt.Errorf("%w; porttrace report --census shows port spaces without tracing", err)
	}
	if err != nil {
		return err
	}
	defer session.close()
	// Attached first, so that a host that cannot be traced leaves an older report as it is.
	out, err := flags.out(ctx)
	if err != nil {
		return err
	}
	defer out.Close()
	session.begin()
	duration := flags.duration
	if session.child != nil && !flags.given("duration") {
		duration = 0 // the command's own end is the end
	}
	ctx, cancel := limited(session.ctx, duration)
	defer cancel()
	last, err := pipeline.Aggregate(ctx, session.source, pipeline.Options{Filter: session.filter})
	if err != nil {
		return err
	}
	return form.write(out, last)
}

func runCensus(ctx context.Context, flags *reportFlags, form reportForm) error {
	out, err := flags.out(ctx)
	if err != nil {
		return err
	}
	defer out.Close()
	last, err := takeCensus(ctx, flags.duration, !flags.given("duration"))
	if err != nil {
		return err
	}
	return form.write(out, last)
}

func runReportOf(ctx context.Context, name string, flags *reportFlags) error {
	form, err := flags.form()
	if err != nil {
		return err
	}
	if flags.overwrites(name) {
		return usagef("--output %s: that is the recording itself", flags.file)
	}
	recording, err := flags.openRecording(ctx, name)
	if err != nil {
		return err
	}
	defer recording.close()
	opts := pipeline.Options{Filter: recording.filter}
	if opts.From, opts.To, err = flags.within(recording); err != nil {
		return err
	}
	out, err := flags.out(ctx)
	if err != nil {
		return err
	}
	defer out.Close()
	last, err := pipeline.Aggregate(ctx, recording, opts)
	if err != nil {
		return err
	}
	return cmp.Or(form.write(out, last), recording.reportGaps())
}

// reportForm is the format of a report and the grouping of its processes.
type reportForm struct {
	format string
	by     snapshot.Grouping
}

func (f *reportFlags) form() (form reportForm, err error) {
	if form.format, err = f.output.chosen(); err != nil {
		return form, err
	}
	form.by, err = f.group.chosen()
	return form, err
}

func (f reportForm) write(to io.Writer, s *snapshot.Snapshot) error {
	if f.format == "json" {
		return report.JSON(to, s, f.by)
	}
	return report.Text(to, s, f.by)
}
