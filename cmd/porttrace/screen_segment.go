package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/porttrace/porttrace/internal/record"
)

// screenSegment is a recording.
type screenSegment struct {
	*record.Segment
	file *os.File
	name string
}

// createSegment creates a recording.
func createSegment(ctx context.Context) (*screenSegment, error) {
	file, err := createNamed(ctx)
	if err != nil {
		return nil, err
	}
	return newScreenSegment(file)
}

// createNamed creates the file of a recording, with a name of the time, and never overwrites one.
func createNamed(ctx context.Context) (*os.File, error) {
	first, err := recordingName(time.Now())
	if err != nil {
		return nil, err
	}
	name := first
	for n := 2; ; n++ {
		file, err := openFile(ctx, name, os.O_WRONLY|os.O_CREATE|os.O_EXCL|os.O_APPEND, ownerOnly)
		if err == nil {
			return file, nil
		}
		if !errors.Is(err, fs.ErrExist) || n > 99 {
			return nil, cannotRecord(err)
		}
		name = fmt.Sprintf("%s-%d.ptrace", strings.TrimSuffix(first, ".ptrace"), n)
	}
}

func newScreenSegment(file *os.File) (*screenSegment, error) {
	segment, err := record.NewSegment(file, 0)
	if err != nil {
		return nil, errors.Join(err, file.Close(), os.Remove(file.Name()))
	}
	return &screenSegment{segment, file, file.Name()}, nil
}

// cannotRecord returns the error of a file that could not be made, or not be written at all. Its
// name is porttrace's: what helps the user is the directory.
func cannotRecord(err error) error {
	directory, getting := os.Getwd()
	if getting != nil {
		directory = "the directory where porttrace was started"
	}
	return fmt.Errorf("cannot record in %s: %w", directory, causeOf(err))
}

// causeOf returns an error of the file system without the name of the file.
func causeOf(err error) error {
	if path := (*fs.PathError)(nil); errors.As(err, &path) {
		return path.Err
	}
	return err
}
