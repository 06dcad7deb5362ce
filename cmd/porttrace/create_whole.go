package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// wholeFile is an output that is worth nothing in part: it has its name once it is complete. Until then
// it is another file beside, so that a command that fails, is interrupted or killed leaves neither a
// part that could be taken for the whole, nor nothing of an older file.
type wholeFile struct {
	*os.File
	name   string // that it will have
	beside bool   // it has another one until commit
	force  bool   // an older file is replaced
	done   bool
}

// standardOutput is an output without a name.
func standardOutput() *wholeFile { return &wholeFile{File: os.Stdout, done: true} }

// createWhole is createFile of a file that is to be whole. The caller must discard it, which does nothing
// after commit. What cannot be replaced by a name, such as a FIFO or a mounted file, is written in place.
func createWhole(ctx context.Context, doing, name string, flag int, force bool) (*wholeFile, error) {
	if canReplace(name, force) {
		temporary := filepath.Join(filepath.Dir(name), ".porttrace-"+rand.Text()+".part")
		file, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL|flag, ownerOnly)
		if err == nil {
			return &wholeFile{File: file, name: name, beside: true, force: force}, nil
		}
	}
	return createInPlace(ctx, doing, name, flag, force)
}

// createInPlace is createWhole for who may have lost the right to rename a file when it is whole.
func createInPlace(ctx context.Context, doing, name string, flag int, force bool) (*wholeFile, error) {
	file, err := createFile(ctx, doing, name, flag, force)
	return &wholeFile{File: file, name: name}, err
}

// canReplace reports whether a file can get the name later on: there is none, or force says that it may go, and
// it is a regular one of this user. In /tmp that of another user cannot be renamed over.
func canReplace(name string, force bool) bool {
	var st unix.Statx_t
	err := unix.Statx(unix.AT_FDCWD, name, unix.AT_SYMLINK_NOFOLLOW, unix.STATX_TYPE|unix.STATX_UID, &st)
	if err != nil {
		return errors.Is(err, fs.ErrNotExist)
	}
	mounted := st.Attributes&unix.STATX_ATTR_MOUNT_ROOT != 0
	return force && !mounted && st.Mode&unix.S_IFMT == unix.S_IFREG && int(st.Uid) == os.Geteuid()
}

// commit gives a complete file its name. On an error it is discarded.
func (f *wholeFile) commit() error {
	if f.done {
		return nil
	}
	defer f.discard()
	if !f.beside {
		f.done = true
		return f.Close()
	}
	err := f.Sync() // the name must not be there before the bytes are, even if the host goes down
	if err = cmp.Or(err, f.Close()); err == nil {
		err = f.publish()
	}
	if err != nil {
		return fileError("writing", f.name, err)
	}
	f.done = true
	return nil
}

// publish renames the file. One that was made under its name meanwhile is kept, unless that is forced.
func (f *wholeFile) publish() error {
	flags := uint(unix.RENAME_NOREPLACE)
	if f.force {
		flags = 0
	}
	err := unix.Renameat2(unix.AT_FDCWD, f.Name(), unix.AT_FDCWD, f.name, flags)
	switch {
	case errors.Is(err, fs.ErrExist):
		return existsError(f.name)
	case errors.Is(err, unix.EINVAL) && !f.force: // a file system that cannot refuse to replace, as NFS
		if _, err := os.Lstat(f.name); err == nil {
			return existsError(f.name)
		}
		return os.Rename(f.Name(), f.name)
	case err != nil:
		return &fs.PathError{Op: "rename", Path: f.name, Err: err}
	}
	return nil
}

// discard removes what is not complete, and empties what cannot be removed.
func (f *wholeFile) discard() {
	if f.done {
		return
	}
	f.done = true
	if f.beside {
		f.Close()
		_ = os.Remove(f.Name()) // of a directory that is not to be written any more
		return
	}
	if written, err := f.Stat(); err == nil && written.Mode().IsRegular() {
		_ = f.Truncate(0)
		if there, err := os.Lstat(f.Name()); err == nil && os.SameFile(written, there) {
			_ = os.Remove(f.Name())
		}
	}
	f.Close()
}

// interrupted returns an error if a command that reads a recording was interrupted: what it has written looks
// like the whole, but is a part. A pipe has it already, so there it is none.
func (f *wholeFile) interrupted(ctx context.Context) error {
	if f.done || ctx.Err() == nil {
		return nil
	}
	if info, err := f.Stat(); err == nil && !info.Mode().IsRegular() {
		return nil
	}
	return fmt.Errorf("interrupted: %s is not written", f.name)
}
