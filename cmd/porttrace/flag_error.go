package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/porttrace/porttrace/internal/nearest"
)

// maxTypos is from how many typing errors on a name is another one.
const maxTypos = 2

// didYouMean returns the end of a message, with the name that a wrong one most likely stands
// for; empty without any.
func didYouMean(prefix, wrong string, names []string) string {
	near := nearest.To(wrong, names, min(maxTypos, max(1, len(wrong)/3)))
	if len(near) == 0 {
		return ""
	}
	return fmt.Sprintf("; did you mean %s%s?", prefix, near[0])
}

func unknownCommand(root *cobra.Command, name string) error {
	return usagef("unknown command %q%s", name, didYouMean("", name, commandNames(root)))
}

// flagError returns the error of a flag that cannot be parsed, in the words of a user. --version ends the parsing by
// an error that is none.
func flagError(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	var missing *pflag.ValueRequiredError
	var invalid *pflag.InvalidValueError
	switch {
	case errors.Is(err, errVersion):
		return printVersion(cmd)
	case errors.As(err, &unknown):
		return unknownFlag(cmd, unknown)
	case errors.As(err, &missing):
		return usagef("--%s: a value is missing%s", missing.GetFlag().Name, valueHint(missing.GetFlag()))
	case errors.As(err, &invalid):
		return invalidValue(invalid)
	}
	return usageError{err}
}

func unknownFlag(cmd *cobra.Command, err *pflag.NotExistError) error {
	name := err.GetSpecifiedName()
	if err.GetSpecifiedShortnames() != "" {
		if name == "v" && cmd.Flags().Lookup("verbose") == nil {
			return usagef("unknown flag: -v; -V prints the version, and -v is a flag of report, doctor, events and record")
		}
		return usagef("unknown flag: -%s", name)
	}
	hint := didYouMean("--", name, flagNames(cmd))
	if hint == "" {
		hint = elsewhere(cmd, name)
	}
	return usagef("unknown flag: --%s%s", name, hint)
}

func flagNames(cmd *cobra.Command) []string {
	var names []string
	cmd.Flags().VisitAll(func(flag *pflag.Flag) { names = append(names, flag.Name) })
	return names
}

// elsewhere returns which other commands have the flag; empty if none has it.
func elsewhere(cmd *cobra.Command, flag string) string {
	var have []string
	for _, c := range cmd.Root().Commands() {
		if c != cmd && c.Flags().Lookup(flag) != nil {
			have = append(have, c.Name())
		}
	}
	if len(have) == 0 {
		return ""
	}
	return "; it is a flag of " + strings.Join(have, ", ")
}

// valueHint returns the name of the value that the help has.
func valueHint(flag *pflag.Flag) string {
	if value, _ := flagValue(flag); value != "" {
		return ", as in --" + flag.Name + " " + value
	}
	return ""
}

// invalidValue names the flag and what it takes. The parsers of numbers would answer with the
// names of their functions.
func invalidValue(err *pflag.InvalidValueError) error {
	flag := err.GetFlag()
	var why string
	switch kind := flag.Value.Type(); {
	case slices.Contains([]string{"int", "uint64"}, kind):
		why = "must be a whole number"
	case kind == "bool":
		return usagef("--%s takes no value", flag.Name)
	default:
		why = err.Unwrap().Error()
	}
	return usagef("--%s %s: %s", flag.Name, err.GetValue(), why)
}
