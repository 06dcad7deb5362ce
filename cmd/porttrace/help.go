package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/porttrace/porttrace/internal/phrase"
)

// helpWidth is that of the narrowest terminal in use.
const helpWidth = 80

// Groups of flags in the help, in the order in which it lists them. A flag without a group is
// one of the Options, which come first.
const (
	groupOptions  = "Options"
	groupLoad     = "The load"
	groupSystem   = "The system"
	groupFilters  = "Filters"
	groupOutput   = "Output"
	groupAdvanced = "Advanced"
)

var flagGroups = []string{groupOptions, groupLoad, groupSystem, groupFilters, groupOutput, groupAdvanced}

// groupKey is the annotation of a flag that has its group.
const groupKey = "porttrace_group"

// inGroup puts flags into a group of the help.
func inGroup(flags *pflag.FlagSet, group string, names ...string) {
	for _, name := range names {
		if err := flags.SetAnnotation(name, groupKey, []string{group}); err != nil {
			panic(err) // no such flag
		}
	}
}

func groupOf(flag *pflag.Flag) string {
	if group := flag.Annotations[groupKey]; len(group) == 1 {
		return group[0]
	}
	return groupOptions
}

// commandGroups are the headings of the help of porttrace itself.
var commandGroups = []struct {
	title    string
	commands []string
}{
	{"What is wrong", []string{"doctor", "explain", "report"}},
	{"What happens", []string{"events", "record", "serve"}},
	{"What was recorded", []string{"replay", "export", "whatif", "cat", "cut"}},
	{"About porttrace", []string{"check", "demo", "version", "completion", "man", "help"}},
}

// helpCommand prints the help of a command.
func helpCommand(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "print the help of a command",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 && commandNamed(root, args[0]) == nil {
				return unknownCommand(root, args[0])
			}
			return noMore(args, 1)
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return commandNames(root), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return root.Help()
			}
			return commandNamed(root, args[0]).Help()
		},
	}
}

// describeCompletion gives the ready-made command for shell completion the words and checks of the
// others.
func describeCompletion(cmd *cobra.Command) {
	cmd.Use = "completion SHELL"
	cmd.Short = "print a script that completes commands and flags in a shell"
	cmd.Long = "Prints a script that completes commands and flags in a shell: bash, fish,\npowershell or zsh. porttrace completion SHELL --help says how to load it."
	cmd.Example = "  porttrace completion bash >/etc/bash_completion.d/porttrace"
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return usagef("missing argument: the SHELL, one of %s", strings.Join(commandNames(cmd), ", "))
		}
		return usagef("no completion for %q, only for %s", args[0], strings.Join(commandNames(cmd), ", "))
	}
	cmd.RunE = func(*cobra.Command, []string) error { return nil } // Args refuses what is no shell
	for _, shell := range cmd.Commands() {
		shell.Short = "print the script for " + shell.Name()
		shell.Args = noArgs
		if flag := shell.Flags().Lookup("no-descriptions"); flag != nil {
			flag.Usage = "complete without a description of each"
		}
	}
}

func commandNamed(root *cobra.Command, name string) *cobra.Command {
	i := slices.IndexFunc(root.Commands(), func(c *cobra.Command) bool { return c.Name() == name })
	if i < 0 {
		return nil
	}
	return root.Commands()[i]
}

func commandNames(root *cobra.Command) []string {
	var names []string
	for _, c := range root.Commands() {
		if !c.Hidden {
			names = append(names, c.Name())
		}
	}
	return names
}

func printHelp(cmd *cobra.Command, _ []string) {
	_, _ = cmd.OutOrStdout().Write(helpText(cmd))
}

// helpText is the help of a command: what it does, examples, then its flags by group.
func helpText(cmd *cobra.Command) []byte {
	var out bytes.Buffer
	fmt.Fprintf(&out, "%s\n\nUsage:\n  %s\n", longText(cmd), cmd.UseLine())
	if !cmd.HasParent() {
		fmt.Fprintf(&out, "  %s COMMAND [flags]\n", cmd.Name())
	}
	if cmd.Example != "" {
		fmt.Fprintf(&out, "\nExamples:\n%s\n", strings.TrimRight(cmd.Example, "\n"))
	}
	writeCommands(&out, cmd)
	for _, group := range flagGroups {
		writeFlags(&out, cmd, group)
	}
	if !cmd.HasParent() {
		fmt.Fprintf(&out, "\n%s COMMAND --help has the flags of a command.\n", cmd.Name())
	}
	return out.Bytes()
}

// longText is what a command does, in full if there is more than a line to say.
func longText(cmd *cobra.Command) string {
	if cmd.Long == "" {
		return cmd.Short
	}
	return strings.TrimSpace(cmd.Long)
}

func writeCommands(out *bytes.Buffer, cmd *cobra.Command) {
	if cmd.HasParent() {
		if cmd.HasSubCommands() {
			out.WriteString("\nShells:\n") // only completion has any
		}
		for _, c := range cmd.Commands() {
			writeEntry(out, "  "+c.Name(), 14, c.Short)
		}
		return
	}
	for _, group := range commandGroups {
		fmt.Fprintf(out, "\n%s:\n", group.title)
		for _, name := range group.commands {
			if c := commandNamed(cmd, name); c != nil {
				writeEntry(out, "  "+name, 14, c.Short)
			}
		}
	}
}

// helpColumn is where the help of a flag begins.
const helpColumn = 26

func writeFlags(out *bytes.Buffer, cmd *cobra.Command, group string) {
	list := flagsOf(cmd, group)
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(out, "\n%s:\n", group)
	for _, flag := range list {
		head, help := flagHelp(flag)
		writeEntry(out, head, helpColumn, help)
	}
}

// flagsOf returns the flags of a command in a group, as the help lists them.
func flagsOf(cmd *cobra.Command, group string) (list []*pflag.Flag) {
	cmd.Flags().VisitAll(func(flag *pflag.Flag) {
		if groupOf(flag) == group && !flag.Hidden {
			list = append(list, flag)
		}
	})
	return list
}

// flagHelp returns a flag as it is typed, and what it does.
func flagHelp(flag *pflag.Flag) (head, help string) {
	head = "      --" + flag.Name
	if flag.Shorthand != "" {
		head = "  -" + flag.Shorthand + ", --" + flag.Name
	}
	value, help := flagValue(flag)
	switch {
	case flag.NoOptDefVal != "" && value != "":
		head += "[=" + value + "]"
	case value != "":
		head += " " + value
	}
	if d := flagDefault(flag); d != "" {
		help += " (default " + d + ")"
	}
	return head, help
}

// flagValue returns the name of the value, which is between backquotes, and the help without
// these. A flag that is on or off has none.
func flagValue(flag *pflag.Flag) (value, help string) {
	before, rest, found := strings.Cut(flag.Usage, "`")
	if !found {
		return "", flag.Usage
	}
	value, after, _ := strings.Cut(rest, "`")
	return value, before + value + after
}

// flagDefault returns the default as it is typed; empty if it is none, or 0.
func flagDefault(flag *pflag.Flag) string {
	switch value := strings.Trim(flag.DefValue, "[]"); value {
	case "0", "0s", "false":
		return ""
	default:
		return value
	}
}

// writeEntry writes a name and its text, which is wrapped and begins at the column.
func writeEntry(out *bytes.Buffer, head string, column int, text string) {
	out.WriteString(head)
	at := utf8.RuneCountInString(head)
	if at+2 > column {
		out.WriteString("\n")
		at = 0
	}
	out.WriteString(strings.Repeat(" ", column-at))
	phrase.Wrap(out, column, text, helpWidth)
}
