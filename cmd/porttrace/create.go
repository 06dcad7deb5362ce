package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

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

// ownerOnly is the mode of what porttrace writes: it has the connections of all users.
const ownerOnly = 0o600

// createFile makes a file that only its owner may read. One that exists is replaced only if force is
// true, by another file of its name: whoever has the old one open, or made it, has nothing of the new
// one. What is no regular file, such as a FIFO, is opened, as it holds nothing that could be lost. In
// a directory such as /tmp another user can have put something under the name: their links and FIFOs
// are refused. doing is for errors.
func createFile(ctx context.Context, doing, name string, flag int, force bool) (*os.File, error) {
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL|flag, ownerOnly) // follows no link
	if errors.Is(err, fs.ErrExist) {
		file, err = openExisting(ctx, name, flag, force)
	}
	if err != nil {
		return nil, fileError(doing, name, err)
	}
	return file, nil
}

// openExisting is for a name that exists.
func openExisting(ctx context.Context, name string, flag int, force bool) (*os.File, error) {
	entry, err := os.Lstat(name)
	if err != nil {
		return nil, err
	}
	info := entry
	if entry.Mode()&fs.ModeSymlink != 0 {
		if !isTrusted(entry) {
			return nil, pathError(name, "it is a symbolic link of another user")
		}
		if info, err = os.Stat(name); err != nil {
			return nil, err
		}
	}
	switch {
	case !info.Mode().IsRegular():
		return openSpecial(ctx, name, flag)
	case !force:
		return nil, existsError(name)
	}
	if name, err = filepath.EvalSymlinks(name); err != nil {
		return nil, err
	}
	return replaceFile(name, flag)
}

// openSpecial opens what is no regular file.
func openSpecial(ctx context.Context, name string, flag int) (*os.File, error) {
	file, err := openFile(ctx, name, os.O_WRONLY|flag, 0)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	switch {
	case err != nil:
	case info.Mode().IsRegular():
		err = pathError(name, "it is another file now")
	case !isTrusted(info):
		err = pathError(name, "it is of another user")
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

// replaceFile makes another file of the name. One that cannot be removed, as a mount cannot, is
// overwritten if it is not another user's.
func replaceFile(name string, flag int) (*os.File, error) {
	removed := os.Remove(name)
	if removed == nil {
		return os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL|flag, ownerOnly)
	}
	file, err := os.OpenFile(name, os.O_WRONLY|unix.O_NOFOLLOW|flag, 0)
	if err != nil {
		return nil, err
	}
	if err := emptyOwn(file, removed); err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

// emptyOwn empties a file, but none of another user: then it returns the reason.
func emptyOwn(file *os.File, reason error) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if !isTrusted(info) || info.Sys().(*syscall.Stat_t).Nlink > 1 {
		return reason
	}
	if err := file.Chmod(ownerOnly); err != nil {
		return err
	}
	return file.Truncate(0)
}

// isTrusted reports whether a file is of this user, of root, or of the user who has typed sudo.
func isTrusted(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return false
	}
	owner := strconv.FormatUint(uint64(stat.Uid), 10)
	return stat.Uid == 0 || int(stat.Uid) == os.Geteuid() || os.Geteuid() == 0 && owner == os.Getenv("SUDO_UID")
}

func pathError(name, why string) error {
	return &fs.PathError{Op: "open", Path: name, Err: errors.New(why)}
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

// existing is the error of a file that is there already.
type existing struct{ error }

func existsError(name string) error {
	return existing{fmt.Errorf("%s exists: choose another name, or overwrite it with --force", name)}
}

// fileError names the file and what the system says of it, without the name of the call.
func fileError(doing, name string, err error) error {
	var path *fs.PathError
	switch {
	case errors.As(err, new(existing)):
		return err
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
