package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/pipeline"
	"github.com/porttrace/porttrace/internal/record"
)

type recordFlags struct {
	liveFlags
	file     string
	duration time.Duration
	maxSize  sizeFlag
	force    bool
	ring     ringFlags
	config   configFlags
}

func recordCommand() *cobra.Command {
	var flags recordFlags
	cmd := &cobra.Command{
		Use:   "record [flags] [-- COMMAND ARGS]",
		Short: "record all that the screen would show, for later",
		Example: `  sudo porttrace record -o night.ptrace --max-size 2G
  sudo porttrace record -d 5m
  sudo porttrace record -o job.ptrace -- ./job.sh
  sudo porttrace record --ring 10m --on full -o /var/lib/porttrace`,
		Long: `Records until Ctrl-C, the end of the command, --duration or --max-size. The
file can be read at any time, by replay, report, doctor and export, on any
machine and without privileges. After a crash it has everything but the last
second.

With --ring it is a flight recorder: only the last minutes are kept, for as long
as it runs, and with --on also what was before and after an incident. All
commands that read a file read the directory, too.`,
		Args: flags.operands,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runRecord(cmd.Context(), &flags)
		},
	}
	flags.register(cmd)
	flags.registerVerbose(cmd, "also say on standard error how each kind of event is observed")
	cmd.Flags().StringVarP(&flags.file, "output", "o", "", "write to this `FILE`; - is standard output (default porttrace-HOST-TIME.ptrace, anonymous without HOST)")
	durationVarP(cmd.Flags(), &flags.duration, "duration", "d", 0, "end after this `TIME`, as in 10s or 5m; a number is seconds")
	cmd.Flags().StringVar(&flags.maxSize.text, "max-size", "", "end before the file is larger than `SIZE`, as in 500M")
	cmd.Flags().BoolVar(&flags.noCommandLines, "no-command-lines", false, "leave out the command lines of processes (secrets in them are masked in any case)")
	cmd.Flags().BoolVar(&flags.force, "force", false, "overwrite the file if it exists")
	inGroup(cmd.Flags(), groupOutput, "output", "force")
	flags.anonymous.register(cmd)
	flags.ring.register(cmd)
	flags.config.register(cmd)
	return cmd
}

// operands refuses an operand before --, which the other commands take for their file.
func (f *recordFlags) operands(cmd *cobra.Command, args []string) error {
	if len(args) > 0 && cmd.ArgsLenAtDash() != 0 {
		if err := manyPIDs(cmd, args); err != nil {
			return err
		}
		return usagef("unexpected argument %q: the file to write is -o FILE, a command to trace -- COMMAND", args[0])
	}
	return f.args(cmd, args)
}

func runRecord(ctx context.Context, flags *recordFlags) (err error) {
	if err := flags.checkAll(); err != nil || flags.config.checked() {
		return err
	}
	// Attached first, so that a host that cannot be traced leaves no file behind.
	session, err := flags.open(ctx)
	if err != nil {
		return err
	}
	defer session.close()
	if flags.ring.length > 0 {
		ctx, cancel := limited(session.ctx, flags.duration)
		defer cancel()
		return flags.runRing(ctx, session)
	}
	to, err := flags.create(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, to.close()) }()
	writer, err := record.NewWriter(to, flags.maxSize.bytes)
	if err != nil {
		return err
	}
	if err := session.begin(); err != nil {
		return err
	}
	ctx, cancel, lasts := lasting(session.ctx, flags.duration)
	defer cancel()
	shown := newProgress(os.Stderr, to.name, writer.Stats)
	err = pipeline.Run(ctx, session.stream, pipeline.Options{
		Filter: session.filter,
		Scans:  true,
		Tee: func(e *event.Event, world *event.World) error {
			shown.note(e)
			return writer.Add(e, world)
		},
		AfterBatch: func(now event.Time) error {
			shown.update(now)
			return cmp.Or(writer.EndBatch(now), lasts(now))
		},
	})
	err = cmp.Or(err, writer.Close())
	shown.end()
	return recordingEnded(err, to)
}

// checkAll returns what is wrong with the flags.
func (f *recordFlags) checkAll() error {
	if f.duration < 0 {
		return usagef("--duration %s: must not be negative", f.duration)
	}
	if err := f.maxSize.parse(); err != nil {
		return err
	}
	if err := f.checkRing(); err != nil {
		return err
	}
	return cmp.Or(f.checkRun(), f.checkOutput())
}

// checkRing returns the usage error of the flags of a ring.
func (f *recordFlags) checkRing() error {
	switch {
	case !f.given("ring"):
		return f.ring.checkUnused(f.given)
	case f.force:
		return usagef("--force is for a file: a ring overwrites none")
	}
	return f.ring.check(f.given, f.file, f.maxSize)
}

// recordingEnded returns the error of a recording, with what is left of it.
func recordingEnded(err error, to output) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, record.ErrFull):
		fmt.Fprintf(os.Stderr, "%s has reached --max-size: the recording ends\n", to.name)
		return nil
	case to.removeEmpty():
		return fmt.Errorf("recording to %s: nothing was recorded, and the file is removed: %w", to.name, err)
	}
	return fmt.Errorf("recording to %s stopped at %s, what was recorded before is complete: %w",
		to.name, time.Now().UTC().Format(time.TimeOnly+" MST"), err)
}

// output is the file or pipe of a recording.
type output struct {
	record.Storage
	name  string
	close func() error
}

// removeEmpty removes a file without a byte, and reports whether it did.
func (o output) removeEmpty() bool {
	file, ok := o.Storage.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Size() == 0 && os.Remove(o.name) == nil
}

// storage returns what a recording is written to. Only a regular file of its own can be synced and truncated.
func storage(to *os.File) record.Storage {
	if info, err := to.Stat(); to == os.Stdout || err != nil || !info.Mode().IsRegular() {
		return record.Pipe{Writer: to}
	}
	return to
}

// checkOutput refuses a file that cannot be made, before anything is attached.
func (f *recordFlags) checkOutput() error {
	switch {
	case f.file == "-" && isTerminal(os.Stdout):
		return usagef("-o -: a recording cannot go to a terminal; send it to a file or a pipe")
	case f.file == "-", f.file == "" && !f.given("output"), f.ring.length > 0:
		return nil
	}
	return cmp.Or(f.anonymous.checkNotKey(f.file), checkCreate("recording", f.file, f.force))
}

// create makes the file, which only its owner may read: it has the connections of all users.
func (f *recordFlags) create(ctx context.Context) (output, error) {
	if f.file == "-" {
		return output{storage(os.Stdout), "standard output", func() error { return nil }}, nil
	}
	name, err := f.name()
	if err != nil {
		return output{}, err
	}
	file, err := createFile(ctx, "recording", name, os.O_APPEND, f.force)
	if err != nil {
		return output{}, err
	}
	return output{storage(file), name, file.Close}, f.privileges.user.Own(file)
}

func (f *recordFlags) name() (string, error) {
	if f.file != "" {
		return f.file, nil
	}
	if f.anonymous.anonymizes() {
		return nameWithTime("porttrace", time.Now()), nil
	}
	return recordingName(time.Now())
}

// recordingName returns the name of a recording that begins now.
func recordingName(now time.Time) (string, error) {
	host, err := os.Hostname()
	if err != nil {
		return "", fmt.Errorf("naming the recording: %w", err)
	}
	return nameWithTime("porttrace-"+host, now), nil
}

func nameWithTime(of string, now time.Time) string {
	return fmt.Sprintf("%s-%s.ptrace", of, now.UTC().Format("20060102T150405Z"))
}
