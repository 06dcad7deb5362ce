package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/porttrace/porttrace/internal/report"
	"github.com/porttrace/porttrace/internal/snapshot"
)

type reportFlags struct {
	inputFlags
	output outputFlags
	group  groupFlag
	failOn failOnFlag
	census bool
	file   string
	force  bool

	baseline string
	series   report.Series
}

func reportCommand() *cobra.Command {
	var flags reportFlags
	cmd := &cobra.Command{
		Use:   "report [FILE...] [flags] [-- COMMAND ARGS]",
		Short: "summarize a recording, or the next seconds",
		Example: `  sudo porttrace report -d 1m
  porttrace report night.ptrace --from 03:10 --to 03:15
  sudo porttrace report --json --fail-on full,failures >/var/log/ports.json`,
		Long: `Summarizes a recording. Without one, traces for --duration, or until Ctrl-C or
the end of the command, and then summarizes that.`,
		Args: func(cmd *cobra.Command, args []string) error { return flags.failOn.unjudged(flags.operands(cmd, args)) },
		RunE: func(cmd *cobra.Command, args []string) error {
			if ofFile(cmd, args) {
				return flags.failOn.unjudged(runReportOf(cmd.Context(), args, &flags))
			}
			return flags.failOn.unjudged(runReport(cmd.Context(), &flags))
		},
	}
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return flags.failOn.unjudged(flagError(cmd, err)) })
	flags.register(cmd, "census")
	flags.registerVerbose(cmd, "print everything: all columns, namespaces, how it was traced, what was lost")
	flags.output.register(cmd, "text", "json", "html", "markdown")
	flags.group.register(cmd)
	flags.failOn.register(cmd)
	cmd.Flags().StringVarP(&flags.file, "output", "o", "", "write the report to this `FILE`")
	cmd.Flags().BoolVar(&flags.force, "force", false, "overwrite the file if it exists")
	cmd.Flags().StringVar(&flags.baseline, "baseline", "", "of a recording: what differs from `FILE`, or from a part of the recording, FROM..TO, largest differences first")
	cmd.Flags().BoolVar(&flags.census, "census", false, "only list the sockets that exist: without privileges and BPF, with the owners that /proc shows")
	inGroup(cmd.Flags(), groupOutput, "output", "force")
	flags.anonymous.register(cmd)
	inGroup(cmd.Flags(), groupAdvanced, "census")
	return cmd
}

// operands allows a recording or a command, and refuses the flags of the other case.
func (f *reportFlags) operands(cmd *cobra.Command, args []string) error {
	if err := f.inputFlags.operands(cmd, args); err != nil {
		return err
	}
	if err := f.failOn.check(f.census); err != nil {
		return err
	}
	if f.given("baseline") && !ofFile(cmd, args) {
		return usagef("--baseline is for a recording: name its file")
	}
	return f.checkCensus()
}

// checkCensus refuses flags that --census cannot obey.
func (f *reportFlags) checkCensus() error {
	if f.census && (len(f.program) > 0 || !f.request.Empty() || f.given("hooks") || slices.ContainsFunc(mapSizeFlags, f.given)) {
		return usagef("--census lists all sockets and traces nothing: it takes no filter, no hooks and no command")
	}
	return nil
}

// out opens the output. Callers must do so before they trace or read for long, and discard it.
func (f *reportFlags) out(ctx context.Context) (*wholeFile, error) {
	const doing = "writing the report"
	switch {
	case f.file == "":
		return standardOutput(), nil
	case f.privileges.user == nil:
		f.privileges.dirs = append(f.privileges.dirs, filepath.Dir(f.file))
		return createWhole(ctx, doing, f.file, 0, f.force)
	}
	file, err := createInPlace(ctx, doing, f.file, 0, f.force) // where the user may have no right to make files
	if err != nil {
		return nil, err
	}
	return file, f.privileges.user.Own(file.File)
}

// checkOutput refuses a file that cannot be made, before anything is traced.
func (f *reportFlags) checkOutput() error {
	if f.file == "" {
		return nil
	}
	return cmp.Or(f.anonymous.checkNotKey(f.file), checkCreate("writing the report", f.file, f.force))
}

func runReport(ctx context.Context, flags *reportFlags) error {
	form, err := flags.form("")
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
	defer out.discard()
	flags.observe = flags.observer(form)
	result, err := flags.judgeLive(session)
	if err != nil {
		return err
	}
	return flags.write(out, form, result)
}

func runCensus(ctx context.Context, flags *reportFlags, form reportForm) error {
	if err := flags.anonymous.checkKey(); err != nil {
		return err
	}
	out, err := flags.out(ctx)
	if err != nil {
		return err
	}
	defer out.discard()
	last, err := flags.takeCensus(ctx, flags.duration, !flags.given("duration"), flags.anonymous.anonymizer)
	if err != nil {
		return err
	}
	return flags.write(out, form, judgedNow(last))
}

func runReportOf(ctx context.Context, names []string, flags *reportFlags) error {
	form, err := flags.form(names[0])
	if err != nil {
		return err
	}
	if err := cmp.Or(checkNotRead(names, flags.file), flags.anonymous.checkNotKey(flags.file)); err != nil {
		return err
	}
	confineReader(ctx, flags.file)
	recording, err := flags.openRecording(ctx, names)
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
	defer out.discard()
	if form.text.Baseline, err = flags.baselineOf(ctx, names); err != nil {
		return err
	}
	opts.Observe = flags.observer(form)
	result, err := recording.judge(ctx, opts)
	if err = cmp.Or(err, out.interrupted(ctx)); err != nil {
		return err
	}
	return cmp.Or(flags.write(out, form, result), recording.reportGaps())
}

// reportForm is the format of a report, and what its text has.
type reportForm struct {
	format string
	by     snapshot.Grouping
	text   report.TextOptions
}

func (f *reportFlags) form(recording string) (form reportForm, err error) {
	if form.format, err = f.output.chosen(); err != nil {
		return form, err
	}
	if form.by, err = f.group.chosen(); err != nil {
		return form, err
	}
	form.text = report.TextOptions{Verbose: f.verbose, Recording: f.anonymous.recordingName(recording)}
	if f.given("group-by") {
		form.text.By = form.by
	}
	return form, nil
}

// observer returns what takes each snapshot for the charts; nil if the format has none.
func (f *reportFlags) observer(form reportForm) func(*snapshot.Snapshot) {
	if form.format != "html" {
		return nil
	}
	return f.series.Add
}

// write prints the report. That a filter has selected nothing is in the text; a program that
// reads JSON gets it on standard error.
func (f *reportFlags) write(to *wholeFile, form reportForm, result *judged) error {
	result.addEffects(result.findings)
	form.text.Unmatched = f.unmatchedIn(result.last)
	err := f.print(to, form, result)
	if err == nil {
		err = to.commit()
	}
	if err != nil && (len(f.failOn.on) == 0 || !errors.Is(err, syscall.EPIPE)) {
		return err
	}
	return f.failOn.status(&result.alarms, result.last, form.text.Unmatched)
}

// print writes the report in its format.
func (f *reportFlags) print(to io.Writer, form reportForm, result *judged) error {
	switch form.format {
	case "json":
		if form.text.Unmatched != "" && len(f.failOn.on) == 0 { // which says it itself
			fmt.Fprintln(os.Stderr, form.text.Unmatched)
		}
		return report.JSON(to, result.last, result.findings, form.by, form.text.Baseline)
	case "html":
		return report.HTML(to, result.last, result.findings, &f.series, form.text)
	case "markdown":
		return report.Markdown(to, result.last, result.findings, form.text)
	}
	return report.Text(to, result.last, result.findings, form.text)
}
