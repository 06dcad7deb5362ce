package main

import (
	"cmp"
	"context"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/porttrace/porttrace/internal/report"
	"github.com/porttrace/porttrace/internal/snapshot"
)

type reportFlags struct {
	inputFlags
	output outputFlags
	group  groupFlag
	census bool
	file   string
	force  bool
}

func reportCommand() *cobra.Command {
	var flags reportFlags
	cmd := &cobra.Command{
		Use:   "report [FILE] [flags] [-- COMMAND ARGS]",
		Short: "summarize a recording, or the next seconds",
		Example: `  sudo porttrace report -d 1m
  porttrace report night.ptrace --from 03:10 --to 03:15
  sudo porttrace report --json -o now.json`,
		Long: `Summarizes a recording. Without one, traces for --duration, or until Ctrl-C or
the end of the command, and then summarizes that.`,
		Args: flags.operands,
		RunE: func(cmd *cobra.Command, args []string) error {
			if ofFile(cmd, args) {
				return runReportOf(cmd.Context(), args[0], &flags)
			}
			return runReport(cmd.Context(), &flags)
		},
	}
	flags.register(cmd, "census")
	flags.registerVerbose(cmd, "print everything: all columns, namespaces, how it was traced, what was lost")
	flags.output.register(cmd, "text", "json")
	flags.group.register(cmd)
	cmd.Flags().StringVarP(&flags.file, "output", "o", "", "write the report to this `FILE`")
	cmd.Flags().BoolVar(&flags.force, "force", false, "overwrite the file if it exists")
	cmd.Flags().BoolVar(&flags.census, "census", false, "only list the sockets that exist: without privileges and BPF, with the owners that /proc shows")
	inGroup(cmd.Flags(), groupOutput, "output", "force")
	inGroup(cmd.Flags(), groupAdvanced, "census")
	return cmd
}

// operands allows a recording or a command, and refuses the flags of the other case.
func (f *reportFlags) operands(cmd *cobra.Command, args []string) error {
	if err := f.inputFlags.operands(cmd, args); err != nil {
		return err
	}
	return f.checkCensus()
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

// checkOutput refuses a file that cannot be made, before anything is traced.
func (f *reportFlags) checkOutput() error {
	if f.file == "" {
		return nil
	}
	return checkCreate("writing the report", f.file, f.force)
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
	if err := flags.checkDuration(); err != nil {
		return err
	}
	if flags.census {
		return runCensus(ctx, flags, form)
	}
	if err := flags.checkOutput(); err != nil {
		return err
	}
	session, err := flags.trace(ctx, "without root, porttrace report --census shows port spaces")
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
	result, err := flags.judgeLive(session)
	if err != nil {
		return err
	}
	return form.write(out, result)
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
	return form.write(out, judgedNow(last))
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
	opts, err := flags.window(recording)
	if err != nil {
		return err
	}
	out, err := flags.out(ctx)
	if err != nil {
		return err
	}
	defer out.Close()
	result, err := judge(ctx, recording, opts)
	if err != nil {
		return err
	}
	return cmp.Or(form.write(out, result), recording.reportGaps())
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

func (f reportForm) write(to io.Writer, result *judged) error {
	result.addEffects(result.findings)
	if f.format == "json" {
		return report.JSON(to, result.last, result.findings, f.by)
	}
	return report.Text(to, result.last, result.findings, f.text(result))
}
