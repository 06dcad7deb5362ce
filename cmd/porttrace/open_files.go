package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/porttrace/porttrace/internal/flight"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/record"
)

// openFiles opens what the operands of a command name: a file, several, or directories.
func openFiles(names []string) (*recording, error) {
	r := &recording{name: joinedName(names)}
	open := r.openSeveral
	if len(names) == 1 && !isDirectory(names[0]) {
		open = r.openOne
	}
	err := open(names)
	if err != nil {
		r.close()
	}
	return r, err
}

// joinedName returns what files that are read as one are called.
func joinedName(names []string) string {
	if len(names) == 1 {
		return names[0]
	}
	return fmt.Sprintf("%s and %d more", names[0], len(names)-1)
}

// isAmong reports whether a file is one of those that the operands of a command name.
func isAmong(names []string, file string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		return sameFile(name, file) || sameFile(name, filepath.Dir(file)) && flight.IsRecording(file)
	})
}

// checkNotRead refuses an output that is one of the recordings that are read.
func checkNotRead(recordings []string, output string) error {
	if isAmong(recordings, output) {
		return usagef("--output %s: that is the recording itself", output)
	}
	return nil
}

func isDirectory(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}

func (r *recording) openOne(names []string) error {
	reader, file, err := record.OpenFile(names[0])
	if err == nil {
		r.Reader, r.files = reader, append(r.files, file)
	}
	return err
}

func (r *recording) openSeveral(names []string) error {
	var parts []record.Part
	for _, name := range names {
		found, err := r.openAll(name)
		if err != nil {
			return err
		}
		parts = append(parts, found...)
	}
	if !slices.ContainsFunc(names, isDirectory) {
		reader, err := record.Join(parts)
		r.Reader = reader
		return err
	}
	reader, older, err := record.JoinNewest(parts)
	r.Reader = reader
	if older > 0 {
		fmt.Fprintf(os.Stderr, "%s: %s of an earlier boot of the host, or of another one: not read; to read them, name them\n",
			r.name, phrase.Plural(uint64(older), "file"))
	}
	return err
}

// openAll opens a file, or those of a directory.
func (r *recording) openAll(name string) ([]record.Part, error) {
	if !isDirectory(name) {
		part, err := r.openPart(name)
		return []record.Part{part}, err
	}
	files, err := flight.Files(name)
	if err != nil {
		return nil, err
	}
	var parts []record.Part
	for _, file := range files {
		part, err := r.openPart(file)
		switch {
		case errors.Is(err, os.ErrNotExist): // deleted meanwhile, as the oldest of a ring are
		case err != nil:
			return nil, err
		default:
			parts = append(parts, part)
		}
	}
	if len(parts) == 0 {
		return nil, fmt.Errorf("%s: there is no recording in this directory (*.ptrace)%s", name, newestIncident(name))
	}
	return parts, nil
}

// newestIncident names what an error about a directory can offer: what a flight recorder has kept.
func newestIncident(name string) string {
	if !isDirectory(name) {
		return ""
	}
	dir := flight.NewestIncident(name)
	if dir == "" {
		return ""
	}
	return "; the newest incident is in " + dir
}

func (r *recording) openPart(name string) (record.Part, error) {
	file, size, err := record.OpenPart(name)
	if err != nil {
		return record.Part{}, err
	}
	r.files = append(r.files, file)
	return record.Part{Name: name, File: file, Size: size}, nil
}
