package main

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// ownCommands are porttrace and its commands.
func ownCommands() []*cobra.Command {
	root := rootCommand()
	return append(root.Commands(), root)
}

// Every flag that takes a value names it: otherwise the help would have the name of a Go type.
// Every one is in a group.
func TestHelpOfFlags(t *testing.T) {
	t.Parallel()
	for _, cmd := range ownCommands() {
		if cmd.Name() == "completion" {
			continue
		}
		cmd.Flags().VisitAll(func(flag *pflag.Flag) {
			value, help := flagValue(flag)
			if takes := flag.Value.Type() != "bool"; takes != (value != "") {
				t.Errorf("%s --%s: its value is %q", cmd.Name(), flag.Name, value)
			}
			if help == "" || strings.Contains(help, "`") {
				t.Errorf("%s --%s: %q", cmd.Name(), flag.Name, help)
			}
		})
	}
}

// Commands that need to be explained have three examples, which they understand, and no line is
// wider than a terminal.
func TestHelpOfCommands(t *testing.T) {
	t.Parallel()
	for _, cmd := range ownCommands() {
		if cmd.Name() == "completion" {
			continue
		}
		for line := range strings.Lines(string(helpText(cmd))) {
			if utf8.RuneCountInString(strings.TrimRight(line, "\n")) > helpWidth && !strings.Contains(cmd.Example, line) {
				t.Errorf("%s: a line is too wide: %s", cmd.Name(), line)
			}
		}
		if examples := strings.Count(cmd.Example, "porttrace "); cmd.Flags().Lookup("json") != nil && examples < 3 {
			t.Errorf("%s has %d examples", cmd.Name(), examples)
		}
		checkExamples(t, cmd)
	}
}

// checkExamples parses the flags of the examples.
func checkExamples(t *testing.T, cmd *cobra.Command) {
	t.Helper()
	for line := range strings.Lines(cmd.Example) {
		line, _, _ = strings.Cut(strings.TrimSpace(line), " #")
		words := strings.Fields(strings.TrimPrefix(line, "sudo "))
		if len(words) == 0 || words[0] != "porttrace" {
			continue
		}
		command, rest, err := rootCommand().Find(words[1:])
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		for _, word := range rest {
			if name, isFlag := strings.CutPrefix(word, "--"); isFlag && name != "" && command.Flags().Lookup(name) == nil {
				t.Errorf("%s: there is no flag %s", line, word)
			}
		}
	}
}

// Every command is in a group of the help of porttrace.
func TestCommandGroups(t *testing.T) {
	t.Parallel()
	listed := map[string]bool{}
	for _, group := range commandGroups {
		for _, name := range group.commands {
			listed[name] = true
		}
	}
	for _, name := range commandNames(rootCommand()) {
		if !listed[name] {
			t.Errorf("%s is in no group", name)
		}
	}
}
