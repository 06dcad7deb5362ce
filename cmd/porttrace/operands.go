package main

import (
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// noArgs is the check of a command without operands.
func noArgs(_ *cobra.Command, args []string) error { return noMore(args, 0) }

// noMore refuses more operands than the command takes.
func noMore(args []string, most int) error {
	if len(args) > most {
		return usagef("unexpected argument %q", args[most])
	}
	return nil
}

// unexpected returns the error of an operand of a command that traces: what it may have been
// meant for.
func unexpected(cmd *cobra.Command, args []string) error {
	if err := manyPIDs(cmd, args); err != nil {
		return err
	}
	isFile := false
	if info, err := os.Stat(args[0]); err == nil {
		isFile = info.Mode().IsRegular()
	}
	switch {
	case !cmd.HasParent() && isFile:
		return usagef("unknown command %q; a recording is shown by: porttrace replay %s", args[0], args[0])
	case !cmd.HasParent():
		return unknownCommand(cmd, args[0])
	case isFile:
		return usagef("unexpected argument %q: %s traces this host; a recording is printed by: porttrace export %s", args[0], cmd.Name(), args[0])
	}
	return usagef("unexpected argument %q: a command to trace follows --", args[0])
}

// manyPIDs returns the error of operands that a shell has made of several pids:
// -p $(pgrep php-fpm). It is nil if the operands can be something else.
func manyPIDs(cmd *cobra.Command, args []string) error {
	flag := cmd.Flags().Lookup("pid")
	if len(args) == 0 || flag == nil || !flag.Changed || slices.ContainsFunc(args, func(a string) bool { return strings.Trim(a, "0123456789") != "" || a == "" }) {
		return nil
	}
	if _, err := os.Stat(args[0]); err == nil {
		return nil
	}
	all := strings.ReplaceAll(flag.Value.String(), ",", " ") + " " + strings.Join(args, " ")
	return usagef("unexpected argument %q: several pids are one argument, in quotes: -p \"%s\", or -p \"$(pgrep NAME)\"", args[0], all)
}
