package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
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
		return nil, existsError(name)
	}
	if err != nil {
		return nil, fileError(doing, name, err)
	}
	return file, nil
}

// checkCreate returns the error that createFile would have, as far as that can be known without
// making the file.
func checkCreate(doing, name string, force bool) error {
	info, err := os.Stat(name)
	switch {
	case err == nil && info.IsDir():
		return fmt.Errorf("%s: %s is a directory: add the name of a file", doing, name)
	case err == nil && info.Mode().IsRegular() && !force:
		return existsError(name)
	case err == nil:
		return nil
	}
	folder := filepath.Dir(name)
	if info, err := os.Stat(folder); err != nil {
		return fileError(doing, name, err)
	} else if !info.IsDir() {
		return fmt.Errorf("%s: %s is no directory", doing, folder)
	}
	// Whether this user may write is not asked: one who may not trace either needs sudo first.
	if err := unix.Access(folder, unix.W_OK); errors.Is(err, unix.EROFS) {
		return fmt.Errorf("%s: %s: %w", doing, folder, err)
	}
	return nil
}

// sameFile reports whether both names are those of one file, which exists.
func sameFile(a, b string) bool {
	first, err := os.Stat(a)
	if err != nil {
		return false
	}
	second, err := os.Stat(b)
	return err == nil && os.SameFile(first, second)
}

func existsError(name string) error {
	return fmt.Errorf("%s exists: choose another name, or overwrite it with --force", name)
}

// fileError names the file and what the system says of it, without the name of the call.
func fileError(doing, name string, err error) error {
	var path *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s: %s: there is no directory %s", doing, name, missingFolder(filepath.Dir(name)))
	case errors.As(err, &path):
		return fmt.Errorf("%s: %s: %w", doing, name, path.Err)
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// missingFolder returns the first folder of the path that does not exist.
func missingFolder(path string) string {
	for parent := filepath.Dir(path); parent != path; parent = filepath.Dir(path) {
		if _, err := os.Stat(parent); err == nil {
			break
		}
		path = parent
	}
	return path
}
