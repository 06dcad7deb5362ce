package main

import (
	"cmp"
	"context"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/porttrace/porttrace/internal/pipeline"
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
		Use:   "export FILE [flags]",
		Short: "Prints the events of a recording, for other programs",
		Args:  oneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runExport(cmd.Context(), args[0], &flags)
		},
	}
	flags.filterFlags.register(cmd)
	flags.printFlags.register(cmd)
	flags.windowFlags.register(cmd)
	flags.output.register(cmd, "jsonl", "csv", "json", "text")
	return cmd
}

// oneFile is the check of a command that takes the file of a recording.
func oneFile(_ *cobra.Command, args []string) error {
	switch {
	case len(args) == 0:
		return usagef("which recording? Name its file")
	case len(args) > 1:
		return usagef("unexpected argument %q: one recording at a time", args[1])
	}
	return nil
}

func runExport(ctx context.Context, name string, flags *exportFlags) error {
	kinds, err := flags.wanted()
	if err != nil {
		return err
	}
	format, err := flags.output.chosen()
	if err != nil {
		return err
	}
	recording, err := flags.openRecording(ctx, name)
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
	if err = cmp.Or(pipeline.Run(ctx, recording, opts), out.out.Flush()); err != nil {
		return err
	}
	out.leftOut.write(os.Stderr)
	return recording.reportGaps()
}
