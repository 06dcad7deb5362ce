package main

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

var (
	// quoted is a command line in a span of code, which may go on in the next line.
	quoted = regexp.MustCompile("`((?:sudo )?(?:\\./)?porttrace(?:\\s[^`]*)?)`")
	// typed is one in a block of code, without its comment.
	typed = regexp.MustCompile(`(?m)^(?: {4}|\$ )((?:sudo )?(?:\./)?porttrace(?: .*)?)$`)
	word  = regexp.MustCompile(`'[^']*'|"[^"]*"|[^\s'"]+`)
)

// documented returns the command lines of the README and of docs, each once.
func documented(t *testing.T) (lines []string) {
	t.Helper()
	names := []string{"../../README.md", "../../CONTRIBUTING.md"}
	for _, pattern := range []string{"../../docs/*.md", "../../docs/causes/*.md"} {
		more, err := filepath.Glob(pattern)
		if err != nil || len(more) == 0 {
			t.Fatal("no documents", err)
		}
		names = append(names, more...)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range slices.Concat(quoted.FindAllStringSubmatch(string(text), -1), typed.FindAllStringSubmatch(string(text), -1)) {
			lines = append(lines, strings.Join(strings.Fields(match[1]), " "))
		}
	}
	slices.Sort(lines)
	return slices.Compact(lines)
}

// standIns are what is put in the place of names, times and files of a documented command line.
var standIns = strings.NewReplacer(
	"COMMAND ARGS", "true", "man [COMMAND]", "man doctor",
	"FILE...", "night.ptrace", "FILE", "night.ptrace", "OTHER", "night.ptrace", "SHARE", "share.ptrace", "DIR", "ring",
	"CAUSE", "churn", "PID", "1", "TIME", "10m", "$(pgrep php-fpm)", "1",
	"2026-11-28T03:00:00Z", "20%", "2026-11-28T04:00:00Z", "60%", "03:00", "20%", "03:10", "40%", "03:15", "80%", "04:00", "60%", "$dir/", "",
	"/etc/porttrace/porttrace.conf", "../../packaging/porttrace.conf",
	"/var/lib/porttrace/incidents/20261128T031207Z-full", "ring", "/var/lib/porttrace", "ring", "/var/tmp/night.ptrace", "share.ptrace",
	"internal/incidents/recorded/testdata/proxy.ptrace", "night.ptrace",
)

// argumentsOf returns the arguments of a command line, up to a comment or a redirection. Brackets
// are those of a synopsis, but for an address.
func argumentsOf(line string) (args []string) {
	_, line, _ = strings.Cut(line, "porttrace")
	for _, w := range word.FindAllString(standIns.Replace(line), -1) {
		if strings.HasPrefix(w, "#") || w == ">" || w == "|" || w == "&&" {
			break
		}
		if !strings.Contains(w, ":") {
			w = strings.Trim(w, "[]")
		}
		args = append(args, strings.Trim(w, `'"`))
	}
	return args
}

// TestCommandsOfTheDocs: what a document says to type is what the program takes. What needs neither
// privileges nor a terminal is run, with recordings in the place of the files that it names.
func TestCommandsOfTheDocs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	recorded, err := os.ReadFile("../../internal/incidents/recorded/testdata/web.ptrace")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"night.ptrace", "ring/night.ptrace"} {
		name = filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o700), os.WriteFile(name, recorded, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	lines, ran := documented(t), 0
	for _, line := range lines {
		args := argumentsOf(line)
		command, err := taken(args)
		if err != nil {
			t.Errorf("%s: %v (%q)", line, err, args)
			continue
		}
		if !runsAnywhere(command) {
			continue
		}
		ran++
		t.Run(line, func(t *testing.T) { runDocumented(t, dir, command.Name(), args) })
	}
	t.Logf("%d command lines, %d of them run", len(lines), ran)
	if len(lines) < 50 || ran < 15 {
		t.Errorf("only %d command lines found, and %d run", len(lines), ran)
	}
}

// taken returns the command that a command line is of, with its flags parsed. Its name alone is a name.
func taken(args []string) (*cobra.Command, error) {
	command, rest, err := rootCommand().Find(args)
	if err == nil {
		err = command.ParseFlags(rest)
	}
	if err == nil && len(rest) > 0 {
		err = command.ValidateArgs(command.Flags().Args())
	}
	return command, err
}

// runsAnywhere reports whether a command reads a recording, or nothing of the host.
func runsAnywhere(command *cobra.Command) bool {
	switch operands := command.Flags().NArg() > 0 && command.ArgsLenAtDash() < 0; command.Name() {
	case "doctor", "report", "export", "cat", "cut":
		return operands
	case "whatif":
		return operands || command.Flags().NFlag() > 0
	case "explain", "version", "help", "completion":
		return true
	}
	return false
}

// runDocumented runs this test binary as porttrace: see TestMain.
func runDocumented(t *testing.T, dir, name string, args []string) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	run := exec.CommandContext(t.Context(), self, args...)
	run.Args[0], run.Dir, run.Stdout, run.Stderr = "porttrace", dir, io.Discard, &said
	err = run.Run()
	var ended *exec.ExitError
	if name == "doctor" && errors.As(err, &ended) && ended.ExitCode() < exitUnjudged {
		err = nil // what it has found
	}
	if err != nil {
		t.Errorf("%q: %v: %s", args, err, said.String())
	}
}
