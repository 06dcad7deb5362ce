package main

import (
	"context"
	"errors"
	"os"
	"slices"

	"github.com/spf13/cobra"
)

// exportTarget is where an export goes: a file, or standard output.
type exportTarget struct {
	file  string
	force bool
}

func (t *exportTarget) register(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&t.file, "output", "o", "", "write to this `FILE`")
	cmd.Flags().BoolVar(&t.force, "force", false, "overwrite the file if it exists")
	inGroup(cmd.Flags(), groupOutput, "output", "force")
}

// check refuses what cannot be meant, before anything is read.
func (t *exportTarget) check(format string, recordings []string) error {
	if t.file == "" {
		if format == "parquet" && isTerminal(os.Stdout) {
			return usagef("--format parquet is nothing to read on a terminal: add -o FILE")
		}
		return nil
	}
	if slices.ContainsFunc(recordings, func(name string) bool { return sameFile(name, t.file) }) {
		return usagef("--output %s: that is the recording itself", t.file)
	}
	return checkCreate("writing the export", t.file, t.force)
}

// exportFile is an open target.
type exportFile struct {
	*os.File
	whole bool // a part of it is worth nothing
}

func (t *exportTarget) open(ctx context.Context, format string) (exportFile, error) {
	if t.file == "" {
		return exportFile{File: os.Stdout}, nil
	}
	file, err := createFile(ctx, "writing the export", t.file, 0, 0o666, t.force)
	return exportFile{file, format == "parquet"}, err
}

// close closes the file, and removes one that an error has left without its end.
func (f exportFile) close(err error) error {
	if f.File == os.Stdout {
		return err
	}
	err = errors.Join(err, f.Close())
	if err == nil || !f.whole {
		return err
	}
	if info, statErr := os.Lstat(f.Name()); statErr == nil && info.Mode().IsRegular() {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return err
}
