package main

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// inContext runs a command as a user does.
func inContext(ctx context.Context, args ...string) error {
	root := rootCommand()
	root.SetArgs(args)
	return root.ExecuteContext(ctx)
}

// wantOnly checks what is in a directory: one file, or none if the name is empty.
func wantOnly(t *testing.T, dir, name string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != name {
			t.Errorf("%s is left", e.Name())
		}
	}
	if name != "" && len(entries) != 1 {
		t.Errorf("there are %d files, want %s", len(entries), name)
	}
}

// TestInterruptedOutput: of a recording that is not read to its end no part is left that looks like the
// whole, and an older file stays.
func TestInterruptedOutput(t *testing.T) {
	interrupted, cancel := context.WithCancel(t.Context())
	cancel()
	for _, command := range [][]string{
		{"export"}, {"export", "-f", "csv"}, {"export", "-f", "parquet"}, {"report"}, {"report", "--json"}, {"report", "-f", "html"}, {"cut"}, {"cat"},
	} {
		dir := t.TempDir()
		name := filepath.Join(dir, "out")
		args := append(command, exactRecording, "-o", name)
		wantRefusal(t, inContext(interrupted, args...), "interrupted")
		wantOnly(t, dir, "")
		if err := os.WriteFile(name, []byte("older"), 0o600); err != nil {
			t.Fatal(err)
		}
		wantRefusal(t, inContext(interrupted, append(args, "--force")...), "interrupted")
		wantFile(t, name, "older", 0o600)
		wantOnly(t, dir, "out")
		if err := inContext(t.Context(), append(args, "--force")...); err != nil {
			t.Error(args, err)
		}
		if text, err := os.ReadFile(name); err != nil || len(text) < 1000 {
			t.Errorf("%v: %d bytes, %v", args, len(text), err)
		}
		wantOnly(t, dir, "out")
	}
}

// TestWholeFileAppearsAtTheEnd: until commit there is nothing under its name, and what another has made there
// meanwhile is kept.
func TestWholeFileAppearsAtTheEnd(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "out")
	for _, taken := range []bool{false, true} {
		file, err := createWhole(t.Context(), "writing", name, 0, false)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := file.WriteString("whole"); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Lstat(name); err == nil {
			t.Error("the file has its name before its end")
		}
		if !taken {
			if err := file.commit(); err != nil {
				t.Error(err)
			}
			wantFile(t, name, "whole", 0o600)
			if err := os.Remove(name); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.WriteFile(name, []byte("meanwhile"), 0o640); err != nil {
			t.Fatal(err)
		}
		wantRefusal(t, file.commit(), "exists: choose another name")
		wantFile(t, name, "meanwhile", 0o640)
		wantOnly(t, dir, "out")
	}
}

// TestWholeFileInPlace: where no file can be made beside, the file itself is written; what is discarded leaves
// nothing. A FIFO is neither removed nor emptied.
func TestWholeFileInPlace(t *testing.T) {
	dir := t.TempDir()
	name, fifo := filepath.Join(dir, "out"), filepath.Join(dir, "fifo")
	file, err := createInPlace(t.Context(), "writing", name, 0, false)
	if err != nil {
		t.Fatal(err)
	}
	wantFile(t, name, "", 0o600)
	file.discard()
	wantOnly(t, dir, "")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	reader, err := os.OpenFile(fifo, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if file, err = createWhole(t.Context(), "writing", fifo, 0, false); err != nil {
		t.Fatal(err)
	}
	interrupted, cancel := context.WithCancel(t.Context())
	cancel()
	if err := file.interrupted(interrupted); err != nil {
		t.Error(err)
	}
	file.discard()
	wantOnly(t, dir, "fifo")
}
