package main

import (
	"cmp"
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/pipeline"
	"github.com/porttrace/porttrace/internal/record"
)

// copyFlags are where a part of a recording goes.
type copyFlags struct {
	filterFlags
	windowFlags
	file  string
	force bool
}

func (f *copyFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&f.file, "output", "o", "", "write to this `FILE`; - is standard output")
	cmd.Flags().BoolVar(&f.force, "force", false, "overwrite the file if it exists")
	inGroup(cmd.Flags(), groupOutput, "output", "force")
	f.anonymous.register(cmd)
}

func catCommand() *cobra.Command {
	var flags copyFlags
	cmd := &cobra.Command{
		Use:   "cat FILE... [flags]",
		Short: "join recordings, one after another, into one",
		Example: `  porttrace cat before.ptrace after.ptrace > both.ptrace
  porttrace cat /var/lib/porttrace -o last-minutes.ptrace`,
		Long: `Joins recordings of one boot of one host, in the order of time. Files of a
flight recorder (record --ring) fit together without a gap; of others, the time
between them shows as not recorded. A directory stands for its *.ptrace files.`,
		Args: recordingFiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			if !flags.given("output") {
				flags.file = "-"
			}
			return runCopy(cmd.Context(), args, &flags)
		},
	}
	flags.given = cmd.Flags().Changed
	flags.register(cmd)
	return cmd
}

func cutCommand() *cobra.Command {
	var flags copyFlags
	cmd := &cobra.Command{
		Use:   "cut FILE... [flags]",
		Short: "copy a part of a recording: a span of time, some processes",
		Example: `  porttrace cut night.ptrace --from 03:10 --to 03:15 -o incident.ptrace
  porttrace cut night.ptrace --comm 'php-fpm*' -o php.ptrace
  porttrace cut night.ptrace --anonymize -o share.ptrace`,
		Long: `Copies a part of a recording, or of several, into a new one, which can be read
like any other. It begins with all that existed then.
With a filter it has only the sockets that the filter selects, so a port space
shows what these hold of it, and not whether it was full.`,
		Args: recordingFiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			if flags.file == "" {
				return usagef("cut needs a file to write: add -o FILE")
			}
			return runCopy(cmd.Context(), args, &flags)
		},
	}
	flags.filterFlags.register(cmd)
	flags.windowFlags.register(cmd)
	flags.register(cmd)
	return cmd
}

// selected leaves out what the filter does not select, and counts both.
func selected(m *matched, put pipeline.Tee) pipeline.Tee {
	return func(e *event.Event, world *event.World) error {
		m.add(e)
		if e.Flags.Has(event.NotSelected) {
			return nil
		}
		return put(e, world)
	}
}

// checkOutput refuses a file that cannot be meant, or made, before anything is read.
func (f *copyFlags) checkOutput(names []string) error {
	to := recordFlags{file: f.file, force: f.force}
	return cmp.Or(checkNotRead(names, f.file), f.anonymous.checkNotKey(f.file), to.checkOutput())
}

// create makes the file, which the caller must commit, or discard.
func (f *copyFlags) create(ctx context.Context) (*wholeFile, error) {
	if f.file == "-" {
		return standardOutput(), nil
	}
	return createWhole(ctx, "recording", f.file, os.O_APPEND, f.force)
}

// runCopy writes a recording, or a part of it, as another one.
func runCopy(ctx context.Context, names []string, flags *copyFlags) (err error) {
	if err := flags.checkOutput(names); err != nil {
		return err
	}
	confineReader(ctx, flags.file)
	recording, err := flags.openRecording(ctx, names)
	if err != nil {
		return err
	}
	defer recording.close()
	opts := pipeline.Options{Filter: recording.filter, Scans: true, Head: &pipeline.Head{}}
	if opts.From, opts.To, err = flags.within(recording); err != nil {
		return err
	}
	out, err := flags.create(ctx)
	if err != nil {
		return err
	}
	defer out.discard()
	writer, err := record.NewCopy(storage(out.File))
	if err != nil {
		return err
	}
	var counts matched
	opts.Tee, opts.AfterBatch = selected(&counts, writer.Add), writer.EndBatch
	if opts.From > 0 {
		opts.Begin = func(now event.Time) error {
			return writer.Begin(now, func(put pipeline.Tee) error { return opts.Head.Each(selected(&counts, put)) })
		}
	}
	err = recording.run(ctx, opts)
	if err = cmp.Or(err, out.interrupted(ctx), ctx.Err(), writer.Close()); err == nil {
		err = out.commit()
	}
	if err != nil {
		return fmt.Errorf("copying to %s: %w", cmp.Or(out.name, "standard output"), err)
	}
	if stats := writer.Stats(); flags.file != "-" {
		fmt.Fprintf(os.Stderr, "wrote %s, %s, to %s\n", phrase.Plural(stats.Events, "event"), phrase.Size(stats.Bytes), out.name)
	}
	flags.reportUnmatched(os.Stderr, &counts)
	return recording.reportGaps()
}
