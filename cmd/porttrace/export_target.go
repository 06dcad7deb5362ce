package main

import (
	"cmp"
	"context"
	"os"

	"github.com/spf13/cobra"

	"github.com/porttrace/porttrace/internal/export/otlphttp"
)

// exportTarget is where an export goes: a file, an endpoint, or standard output.
type exportTarget struct {
	file     string
	force    bool
	endpoint string
	poster   *otlphttp.Poster // to the endpoint, once it is checked
}

func (t *exportTarget) register(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&t.file, "output", "o", "", "write to this `FILE`")
	cmd.Flags().BoolVar(&t.force, "force", false, "overwrite the file if it exists")
	cmd.Flags().StringVar(&t.endpoint, "endpoint", "", "of --format otlp: send the records to the OTLP/HTTP collector at this `URL`")
	inGroup(cmd.Flags(), groupOutput, "output", "force", "endpoint")
}

// check refuses what cannot be meant, before anything is read.
func (t *exportTarget) check(ctx context.Context, format string, recordings []string, anonymous *anonymizeFlags) (err error) {
	switch {
	case t.endpoint != "" && format != "otlp":
		return usagef("--endpoint takes OpenTelemetry records: add --format otlp")
	case t.endpoint != "" && t.file != "":
		return usagef("--endpoint and --output exclude each other")
	case t.endpoint != "":
		if t.poster, err = otlphttp.NewPoster(ctx, t.endpoint, versionString()); err != nil {
			return usagef("--endpoint %s: %w", t.endpoint, err)
		}
		return nil
	}
	if t.file == "" {
		if format == "parquet" && isTerminal(os.Stdout) {
			return usagef("--format parquet is nothing to read on a terminal: add -o FILE")
		}
		return nil
	}
	if err := cmp.Or(checkNotRead(recordings, t.file), anonymous.checkNotKey(t.file)); err != nil {
		return err
	}
	return checkCreate("writing the export", t.file, t.force)
}

// open returns the output, which the caller must commit, or discard.
func (t *exportTarget) open(ctx context.Context) (*wholeFile, error) {
	if t.file == "" {
		return standardOutput(), nil
	}
	return createWhole(ctx, "writing the export", t.file, 0, t.force)
}
