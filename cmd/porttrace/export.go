package main

import (
	"cmp"
	"context"
	"os"
	"time"

	"github.com/spf13/cobra"
)

type exportFlags struct {
	filterFlags
	printFlags
	windowFlags
	output outputFlags
}

func exportCommand() *cobra.Command {
	var flags exportFlags
	cmd := &cobra.Command{
		Use:   "export FILE... [flags]",
		Short: "print the events of a recording, for other programs",
		Example: `  porttrace export night.ptrace >night.jsonl
  porttrace export night.ptrace -f csv --kind connect_fail
  porttrace export night.ptrace -x --from 03:10 --to 03:15`,
		Args: recordingFiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runExport(cmd.Context(), args, &flags)
		},
	}
	flags.filterFlags.register(cmd)
	flags.printFlags.register(cmd)
	flags.windowFlags.register(cmd)
	flags.output.register(cmd, "jsonl", "csv", "json", "text")
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
	recording, err := flags.openRecording(ctx, names)
	if err != nil {
		return err
	}
	defer recording.close()
	out, err := flags.printer(kinds, format, os.Stdout, time.UTC, flags.from == "")
	if err != nil {
		return err
	}
	opts := out.options()
	opts.Filter = recording.filter
	if opts.From, opts.To, err = flags.within(recording); err != nil {
		return err
	}
	if err = cmp.Or(recording.run(ctx, opts), out.out.Flush()); err != nil {
		return err
	}
	out.leftOut.write(os.Stderr)
	flags.reportUnmatched(os.Stderr, &out.matched)
	return recording.reportGaps()
}
