package main

import (
	"cmp"
	"context"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/pipeline"
)

type exportFlags struct {
	filterFlags
	printFlags
	windowFlags
	output outputFlags
	to     exportTarget
}

func exportCommand() *cobra.Command {
	var flags exportFlags
	cmd := &cobra.Command{
		Use:   "export FILE... [flags]",
		Short: "print the events of a recording, for other programs",
		Example: `  porttrace export night.ptrace >night.jsonl
  porttrace export night.ptrace -f csv --kind connect_fail
  porttrace export night.ptrace -x --from 03:10 --to 03:15
  porttrace export night.ptrace -f parquet -o night.parquet
  porttrace export night.ptrace -f otlp --endpoint http://localhost:4318`,
		Long: `Prints the events of a recording. They are in the order in which they arrived:
one can be older than those before it, by 0.2 s, under load by more, as a close
is held back until it is known what it leaves. The field time is when it
happened: sort by it, as by jq -s 'sort_by(.time)', if the order matters.`,
		Args: recordingFiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runExport(cmd.Context(), args, &flags)
		},
	}
	flags.filterFlags.register(cmd)
	flags.printFlags.register(cmd)
	flags.windowFlags.register(cmd)
	flags.output.register(cmd, "jsonl", "csv", "json", "text", "parquet", "otlp")
	flags.to.register(cmd)
	flags.anonymous.register(cmd)
	return cmd
}

// recordingFiles is the check of a command that takes the files of a recording.
func recordingFiles(cmd *cobra.Command, args []string) error {
	switch {
	case len(args) == 0:
		return usagef("missing argument: the FILE of a recording")
	case manyPIDs(cmd, args[:1]) != nil:
		return manyPIDs(cmd, args)
	case manyPIDs(cmd, args[1:]) != nil:
		return manyPIDs(cmd, args[1:])
	}
	if at := cmd.ArgsLenAtDash(); at >= 0 && at < len(args) {
		return usagef("unexpected argument %q: %s is a recording, and no command is traced", args[at], args[0])
	}
	return nil
}

func runExport(ctx context.Context, names []string, flags *exportFlags) error {
	kinds, err := flags.wanted()
	if err != nil {
		return err
	}
	format, err := flags.output.chosen()
	if err != nil {
		return err
	}
	if err := flags.to.check(ctx, format, names, &flags.anonymous); err != nil {
		return err
	}
	if format == "otlp" && !flags.failures && len(flags.kinds) == 0 {
		kinds = notable
	}
	confineReader(ctx, flags.to.file)
	recording, err := flags.openRecording(ctx, names)
	if err != nil {
		return err
	}
	defer recording.close()
	var opts pipeline.Options
	if opts.From, opts.To, err = flags.within(recording); err != nil {
		return err
	}
	to, err := flags.to.open(ctx)
	if err != nil {
		return err
	}
	defer to.discard()
	var out *printer
	if whole := flags.from == ""; flags.to.poster != nil {
		out = flags.printerOf(kinds, flags.to.poster, whole)
	} else if out, err = flags.printer(kinds, format, to, time.UTC, whole); err != nil {
		return err
	}
	if err := out.export(ctx, recording, opts); err != nil {
		return err
	}
	if err := to.interrupted(ctx); err != nil {
		return err
	}
	if err := to.commit(); err != nil {
		return err
	}
	out.leftOut.write(os.Stderr)
	flags.reportUnmatched(os.Stderr, &out.matched)
	return recording.reportGaps()
}

// notable are the kinds of events that are sent as log records unless others are asked for. A busy host
// has thousands of opens and closes a second, and where logs are kept each record is paid for.
var notable = []event.Kind{
	event.ConnectFail, event.BindFail, event.SynUnanswered, event.SpaceChanged, event.DetailLimited, event.EventsLost,
}

// export prints the part of the recording. An interrupted one has no end.
func (p *printer) export(ctx context.Context, recording *recording, part pipeline.Options) error {
	opts := p.options()
	opts.Filter, opts.From, opts.To = recording.filter, part.From, part.To
	if err := cmp.Or(recording.run(ctx, opts), p.interrupted(ctx)); err != nil {
		return err
	}
	return p.end()
}
