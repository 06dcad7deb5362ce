package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// openFile is os.OpenFile, but ends with the context: the opening of a FIFO waits until a
// program reads from it.
func openFile(ctx context.Context, name string, flag int, mode os.FileMode) (*os.File, error) {
	type result struct {
		file *os.File
		err  error
	}
	opened := make(chan result, 1)
	go func() {
		file, err := os.OpenFile(name, flag, mode)
		opened <- result{file, err}
	}()
	select {
	case r := <-opened:
		return r.file, r.err
	case <-ctx.Done():
		return nil, fmt.Errorf("%s: interrupted before any program reads from it", name)
	}
}

// createFile makes a file. One that exists is overwritten only if force is true; what is no
// regular file, such as a FIFO, holds nothing that could be lost. doing is for errors.
func createFile(ctx context.Context, doing, name string, flag int, mode os.FileMode, force bool) (*os.File, error) {
	how := os.O_EXCL
	if info, err := os.Stat(name); force || err == nil && !info.Mode().IsRegular() {
		how = os.O_TRUNC
	}
	file, err := openFile(ctx, name, os.O_WRONLY|os.O_CREATE|flag|how, mode)
	if errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("%s exists: choose another name, or overwrite it with --force", name)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	return file, nil
}
