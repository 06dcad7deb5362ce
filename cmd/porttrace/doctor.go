package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/porttrace/porttrace/internal/doctor"
	"github.com/porttrace/porttrace/internal/report"
)

type doctorFlags struct {
	inputFlags
	output outputFlags
	all    bool
	ignore []string
}

func doctorCommand() *cobra.Command {
	var flags doctorFlags
	cmd := &cobra.Command{
		Use:   "doctor [FILE...] [flags] [-- COMMAND ARGS]",
		Short: "say why calls fail or ports run out, and what to change",
		Example: `  sudo porttrace doctor -d 1m                  # TIME_WAIT lasts a minute
  sudo porttrace doctor -- curl http://app/    # what this command runs into
  porttrace doctor night.ptrace --from 03:10`,
		Long: `Judges a recording. Without one, traces for --duration, or until Ctrl-C or the
end of the command, and then judges that. Each finding has its evidence, who
suffers, and what to do, least risk first. The exit status is that of a
monitoring plugin: 0 fine, 1 warning, 2 critical, 3 it
could not be judged.`,
		Args: func(cmd *cobra.Command, args []string) error {
			return flags.unjudged(cmp.Or(flags.operands(cmd, args), flags.checkIgnore()))
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if ofFile(cmd, args) {
				return flags.unjudged(runDoctorOf(cmd.Context(), args, &flags))
			}
			return flags.unjudged(runDoctor(cmd.Context(), &flags))
		},
	}
	flags.register(cmd, "verbose")
	flags.registerVerbose(cmd, "also say on standard error how each kind of event is observed")
	flags.output.register(cmd, "text", "json")
	cmd.Flags().BoolVar(&flags.all, "all", false, "also what is only worth knowing, or has one kind of evidence only")
	cmd.Flags().StringArrayVar(&flags.ignore, "ignore", nil, "leave out the finding with this `ID`, of each network namespace or of one, as ID@NAMESPACE, or those of this cause; repeatable")
	offer(cmd, "ignore", names(doctor.Causes())...)
	inGroup(cmd.Flags(), groupOutput, "all", "ignore")
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return flags.unjudged(flagError(cmd, err)) })
	return cmd
}

// checkIgnore refuses what can be no id: a typing error would ignore nothing in silence.
func (f *doctorFlags) checkIgnore() error {
	for _, name := range f.ignore {
		if !slices.Contains(doctor.Causes(), doctor.CauseOf(name)) {
			return usagef("--ignore %s: neither the id of a finding nor a cause (see porttrace explain)", name)
		}
	}
	return nil
}

func runDoctor(ctx context.Context, flags *doctorFlags) error {
	format, err := flags.output.chosen()
	if err = cmp.Or(err, flags.checkDuration()); err != nil {
		return err
	}
	session, err := flags.trace(ctx, "a recording needs no privileges: porttrace doctor FILE")
	if err != nil {
		return err
	}
	defer session.close()
	result, err := flags.judgeLive(session)
	if err != nil {
		return err
	}
	return flags.write(os.Stdout, format, result)
}

func runDoctorOf(ctx context.Context, names []string, flags *doctorFlags) error {
	format, err := flags.output.chosen()
	if err != nil {
		return err
	}
	confineReader(ctx, "")
	recording, err := flags.openRecording(ctx, names)
	if err != nil {
		return err
	}
	defer recording.close()
	opts, err := flags.window(recording)
	if err != nil {
		return err
	}
	result, err := recording.judge(ctx, opts)
	if err != nil {
		return err
	}
	// Damage is in the verdict.
	if err := recording.reportGaps(); err != nil && !errors.Is(err, errReported) {
		return err
	}
	return flags.write(os.Stdout, format, result)
}

// write prints the diagnosis. It returns the exit status of its verdict.
func (f *doctorFlags) write(to io.Writer, format string, result *judged) error {
	d := report.Diagnosis{Snapshot: result.last, Lacks: doctor.Lacks(result.last, result.findings...)}
	d.Findings, d.Ignored = doctor.Ignore(doctor.Sorted(result.findings, f.all), f.ignore)
	result.addEffects(d.Findings)
	d.Unmatched = f.unmatchedIn(result.last)
	print := report.DoctorText
	if format == "json" {
		print = report.DoctorJSON
	}
	// The verdict holds, too, if a reader has seen enough: | head.
	if err := print(to, &d); err != nil && !errors.Is(err, syscall.EPIPE) {
		return err
	}
	return verdictStatus(exitOf[d.Verdict()])
}

var exitOf = map[report.Verdict]int{
	report.Fine: exitFine, report.Warning: exitWarning, report.Critical: exitCritical, report.Unknown: exitUnjudged,
}

// verdictStatus ends the program with the exit status of a verdict, which has been printed.
type verdictStatus int

func (s verdictStatus) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// unjudged is the error of a command that could not judge. It may have been printed already.
type unjudged struct {
	error
	printed bool
}

func (u unjudged) Unwrap() error { return u.error }

// unjudged marks an error, which it also prints on standard output as a result: a monitoring
// system shows nothing else.
func (f *doctorFlags) unjudged(err error) error {
	if err == nil || errors.As(err, new(verdictStatus)) {
		return err
	}
	if isTerminal(os.Stdout) {
		return unjudged{error: err}
	}
	if f.output.json || f.output.format == "json" {
		_ = report.UnknownJSON(os.Stdout, err) // err goes to standard error in any case
		return unjudged{error: err}
	}
	return unjudged{err, report.UnknownText(os.Stdout, err) == nil && isRead(os.Stdout)}
}

// isRead reports whether another program reads the file: what is printed there is not printed on
// standard error again, as both often arrive at the same place.
func isRead(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&(os.ModeNamedPipe|os.ModeSocket) != 0
}
