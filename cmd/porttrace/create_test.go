package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/lab/need"
)

// stranger is another user than that of the tests.
const stranger = 65534

// makeFile makes a file as a command does.
func makeFile(t *testing.T, name string, force bool) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	file, err := createFile(ctx, "recording", name, os.O_APPEND, force)
	if err == nil {
		_, err = file.WriteString("secret")
		file.Close()
	}
	return err
}

func wantFile(t *testing.T, name, content string, mode os.FileMode) {
	t.Helper()
	info, err := os.Lstat(name)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(name); err != nil || string(text) != content || info.Mode() != mode {
		t.Errorf("%s has %q, mode %v, %v", name, text, info.Mode(), err)
	}
}

func wantRefusal(t *testing.T, err error, why string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), why) || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v, want %q", err, why)
	}
}

// TestOutputIsPrivate: a new file is for its owner alone, and so is one that replaces another.
func TestOutputIsPrivate(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "x")
	if err := makeFile(t, name, false); err != nil {
		t.Fatal(err)
	}
	wantFile(t, name, "secret", 0o600)
	wantRefusal(t, makeFile(t, name, false), "exists: choose another name")
	if err := os.WriteFile(name, []byte("older"), 0o600); err != nil || os.Chmod(name, 0o666) != nil {
		t.Fatal(err)
	}
	if err := makeFile(t, name, true); err != nil {
		t.Fatal(err)
	}
	wantFile(t, name, "secret", 0o600)
}

// TestOutputReplacesNoOpenFile: who has the older file open, or another name of it, does not get what is
// written.
func TestOutputReplacesNoOpenFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	name, other := filepath.Join(dir, "x"), filepath.Join(dir, "other")
	if err := os.WriteFile(other, []byte("shadow"), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(other, name); err != nil {
		t.Fatal(err)
	}
	if err := makeFile(t, name, true); err != nil {
		t.Fatal(err)
	}
	wantFile(t, other, "shadow", 0o640)
	wantFile(t, name, "secret", 0o600)
}

// TestOutputFollowsNoStranger: links and FIFOs of another user, as in /tmp, are refused, with --force too.
func TestOutputFollowsNoStranger(t *testing.T) {
	need.Root(t, "making a file of another user")
	t.Parallel()
	dir := t.TempDir()
	target, link, dangling, fifo := filepath.Join(dir, "target"), filepath.Join(dir, "link"), filepath.Join(dir, "dangling"), filepath.Join(dir, "fifo")
	null := filepath.Join(dir, "null")
	if err := os.WriteFile(target, []byte("shadow"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, to := range map[string]string{link: target, dangling: filepath.Join(dir, "new"), null: "/dev/null"} {
		if err := os.Symlink(to, name); err != nil {
			t.Fatal(err)
		}
	}
	if err := unix.Mkfifo(fifo, 0o666); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{link, dangling, null, fifo} {
		if err := os.Lchown(name, stranger, stranger); err != nil {
			t.Fatal(err)
		}
	}
	reader, err := os.OpenFile(fifo, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	for _, force := range []bool{false, true} {
		for _, name := range []string{link, dangling, null} {
			wantRefusal(t, makeFile(t, name, force), "it is a symbolic link of another user")
		}
		wantRefusal(t, makeFile(t, fifo, force), "it is of another user")
	}
	wantFile(t, target, "shadow", 0o600)
	if _, err := os.Lstat(filepath.Join(dir, "new")); err == nil {
		t.Error("a dangling link was followed")
	}
}

// TestOutputFollowsOwnLinks: the user's own links lead to a file that is replaced, or to a device.
func TestOutputFollowsOwnLinks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	target, link, null := filepath.Join(dir, "target"), filepath.Join(dir, "link"), filepath.Join(dir, "null")
	if err := os.WriteFile(target, []byte("older"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/dev/null", null); err != nil {
		t.Fatal(err)
	}
	wantRefusal(t, makeFile(t, link, false), "exists")
	if err := makeFile(t, link, true); err != nil {
		t.Fatal(err)
	}
	wantFile(t, target, "secret", 0o600)
	if err := makeFile(t, null, false); err != nil {
		t.Fatal(err)
	}
}
