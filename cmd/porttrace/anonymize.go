package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/porttrace/porttrace/internal/anonymize"
	"github.com/porttrace/porttrace/internal/doctor"
	"github.com/porttrace/porttrace/internal/filter"
	"github.com/porttrace/porttrace/internal/pipeline"
)

// anonymizeFlags make a stream that can be given to others. Commands that do not have the flags leave
// it as it is.
type anonymizeFlags struct {
	on      bool
	keyFile string

	anonymizer *anonymize.Anonymizer // nil until checkKey; one, so that what a command reads twice is the same
}

func (f *anonymizeFlags) register(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.on, "anonymize", false, "replace addresses, names, command lines and ids of containers; ports, times and findings stay")
	cmd.Flags().StringVar(&f.keyFile, "anonymize-key", "",
		"anonymize with the key in this `FILE`, so that the same name is the same in several outputs; without it the key is random, and is not kept")
	inGroup(cmd.Flags(), groupOutput, "anonymize", "anonymize-key")
}

// anonymizes reports whether the output must be anonymous.
func (f *anonymizeFlags) anonymizes() bool { return f.on || f.keyFile != "" }

// checkKey returns the error of a key that cannot be used, before anything is traced or written.
func (f *anonymizeFlags) checkKey() error {
	if !f.anonymizes() || f.anonymizer != nil {
		return nil
	}
	key, err := f.key()
	if err != nil {
		return err
	}
	f.anonymizer = anonymize.New(key, doctor.KnownPart)
	return nil
}

// checkNotKey refuses an output that is the file of the key: what other outputs have of it could not be made again.
func (f *anonymizeFlags) checkNotKey(output string) error {
	if f.keyFile != "" && sameFile(f.keyFile, output) {
		return usagef("--output %s: that is the key of --anonymize-key", output)
	}
	return nil
}

func (f *anonymizeFlags) key() (anonymize.Key, error) {
	if f.keyFile == "" {
		return anonymize.RandomKey(), nil
	}
	secret, err := readSecret(f.keyFile)
	var key anonymize.Key
	if err == nil {
		key, err = anonymize.KeyOf(secret)
	}
	if err != nil {
		return key, usagef("--anonymize-key %s: %w; make a key with: head -c 32 /dev/urandom >FILE", f.keyFile, err)
	}
	return key, nil
}

// mostSecret bounds a key: a larger file is not meant, as it is a recording.
const mostSecret = 4 << 10

func readSecret(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		var path *fs.PathError
		if errors.As(err, &path) {
			err = path.Err
		}
		return nil, err
	}
	defer file.Close()
	secret, err := io.ReadAll(io.LimitReader(file, mostSecret+1))
	if len(secret) > mostSecret {
		return nil, fmt.Errorf("more than %d bytes are no key", mostSecret)
	}
	return secret, err
}

// hide returns the anonymous stream of a source, and its filter, which selects by what was; both as
// they are without an Anonymizer.
func hide(by *anonymize.Anonymizer, source pipeline.Source, selects *filter.Filter) (pipeline.Source, *filter.Filter) {
	if by == nil {
		return source, selects
	}
	return by.Source(source, selects)
}

// recordingName returns what an output calls the recording that it is of; empty: of none.
func (f *anonymizeFlags) recordingName(name string) string {
	if f.anonymizes() && name != "" {
		return "FILE"
	}
	return name
}
