package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/porttrace/porttrace/internal/lab/need"
)

// TestManual: there is a page for each command, and man and mandoc have nothing to say against any.
func TestManual(t *testing.T) {
	defer func(day string) { releaseDay = day }(releaseDay)
	releaseDay = "2026-11-28"
	dir := t.TempDir()
	root := rootCommand()
	if err := writeManual(root, dir); err != nil {
		t.Fatal(err)
	}
	pages, err := filepath.Glob(dir + "/porttrace*.8")
	if err != nil || len(pages) != 1+len(manCommands(root)) {
		t.Fatalf("%q, %v", pages, err)
	}
	for _, reader := range [][]string{{"man", "--warnings", "-l"}, {"mandoc", "-Tlint", "-Wwarning"}} {
		need.Program(t, reader[0])
		cmd := exec.Command(reader[0], append(reader[1:], pages...)...)
		var warnings bytes.Buffer
		cmd.Stderr = &warnings
		if reader[0] == "mandoc" {
			cmd.Stdout = &warnings
		}
		if err := cmd.Run(); err != nil || warnings.Len() > 0 {
			t.Errorf("%s: %v\n%s", reader[0], err, &warnings)
		}
	}
}

// TestManualIsTheHelp: every flag and command of the help is in the page.
func TestManualIsTheHelp(t *testing.T) {
	t.Parallel()
	for _, cmd := range ownCommands() {
		var page strings.Builder
		if err := writePage(&page, cmd); err != nil {
			t.Fatal(err)
		}
		text := strings.ReplaceAll(page.String(), `\-`, "-")
		for _, name := range flagNames(cmd) {
			if !strings.Contains(text, "--"+name) {
				t.Errorf("%s: the page lacks --%s", cmd.Name(), name)
			}
		}
		for _, c := range cmd.Commands() {
			if !strings.Contains(text, "\\fB"+c.Name()+"\\fR\n") {
				t.Errorf("%s: the page lacks %s", cmd.Name(), c.Name())
			}
		}
	}
}

// TestCompletions: the shells can read the scripts that they are given.
func TestCompletions(t *testing.T) {
	t.Parallel()
	root := rootCommand()
	var bash, zsh, fish bytes.Buffer
	if err := errors.Join(root.GenBashCompletionV2(&bash, true), root.GenZshCompletion(&zsh), root.GenFishCompletion(&fish, true)); err != nil {
		t.Fatal(err)
	}
	for shell, script := range map[string]*bytes.Buffer{"bash": &bash, "zsh": &zsh, "fish": &fish} {
		name := filepath.Join(t.TempDir(), "porttrace")
		if err := os.WriteFile(name, script.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command(need.Program(t, shell), "-n", name).CombinedOutput(); err != nil || script.Len() < 1000 {
			t.Errorf("%s: %d bytes, %v: %s", shell, script.Len(), err, out)
		}
	}
}
