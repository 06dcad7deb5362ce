package clip

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
)

// run returns the text that a command sends to the terminal, and its notice.
func run(t *testing.T, cmd tea.Cmd) (sent, notice string) {
	t.Helper()
	msg := cmd()
	if text, ok := msg.(Msg); ok {
		return "", string(text)
	}
	// tea.Sequence makes a slice of commands, of a type of its own.
	list := reflect.ValueOf(msg)
	if list.Kind() != reflect.Slice || list.Len() != 2 {
		t.Fatalf("%T", msg)
	}
	first, _ := list.Index(0).Interface().(tea.Cmd)
	second, _ := list.Index(1).Interface().(tea.Cmd)
	text, ok := second().(Msg)
	if !ok {
		t.Fatal("no notice")
	}
	return fmt.Sprint(first()), string(text)
}

func env(values ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(values); i += 2 {
			if values[i] == name {
				return values[i+1]
			}
		}
		return ""
	}
}

func TestCopy(t *testing.T) {
	t.Setenv("PATH", t.TempDir()) // without tmux
	long := strings.Repeat("x", MaxBytes+1)
	for _, test := range []struct {
		text   string
		env    func(string) string
		sent   string
		notice string
	}{
		{"a", env("TERM", "xterm-256color"), "a", "copied 1 line; a terminal without OSC 52 ignores it"},
		{"a\nb\n", env(), "a\nb\n", "copied 2 lines; a terminal without OSC 52 ignores it"},
		{"a", env("TERM", "tmux-256color"), "a", "copied 1 line; tmux ignores it without its option set-clipboard on"},
		{"a", env("TERM", "screen"), "a", "copied 1 line; screen ignores it, and tmux without its option set-clipboard on"},
		{"a", env("TMUX", "x"), "a", "copied 1 line; tmux ignores it without its option set-clipboard on"},
		{long, env("TMUX", "x"), "", "not copied: 56001 bytes, where terminals take 56000 at most"},
	} {
		sent, notice := run(t, Copy(test.text, test.env))
		if sent != test.sent || notice != test.notice {
			t.Errorf("%q, %q", sent, notice)
		}
	}
}

// TestTmux copies by a program of that name.
func TestTmux(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "buffer")
	script := "#!/bin/sh\n[ \"$*\" = 'load-buffer -w -' ] && while IFS= read -r line; do echo \"$line\"; done >" + file + "\n"
	if err := os.WriteFile(filepath.Join(folder, "tmux"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", folder)
	sent, notice := run(t, Copy("a\nb\n", env("TMUX", "x")))
	if sent != "" || notice != "copied 2 lines, also into tmux" {
		t.Errorf("%q, %q", sent, notice)
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "a\nb\n" {
		t.Errorf("%q, %v", text, err)
	}
}
