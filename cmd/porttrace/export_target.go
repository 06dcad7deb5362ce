package main

import (
	"cmp"
	"context"
	"io"
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
func (t *exportTarget) check(ctx context.Context, format string, recordings []string) (err error) {
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
	if isAmong(recordings, t.file) {
		return usagef("--output %s: that is the recording itself", t.file)
	}
	return checkCreate("writing the export", t.file, t.force)
}

// openTarget is a target that can be written to.
type openTarget struct {
	io.Writer
	file  *os.File // nil if there is nothing to close
	whole bool     // a part of it is worth nothing
}

func (t *exportTarget) open(ctx context.Context, format string) (openTarget, error) {
	if t.file == "" {
		return openTarget{Writer: os.Stdout}, nil
	}
	file, err := createFile(ctx, "writing the export", t.file, 0, t.force)
	return openTarget{file, file, format == "parquet"}, err
}

// close closes the file, and removes one that an error has left without its end. It returns the
// error, or its own.
func (t openTarget) close(err error) error {
	if t.file == nil {
		return err
	}
	err = cmp.Or(err, t.file.Close())
	if err == nil || !t.whole {
		return err
	}
	if info, statErr := os.Lstat(t.file.Name()); statErr == nil && info.Mode().IsRegular() {
		return cmp.Or(os.Remove(t.file.Name()), err)
	}
	return err
}
