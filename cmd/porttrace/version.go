package main

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"strconv"

	"github.com/spf13/cobra"
)

// version, and the day of its last commit as 2026-11-28, are set by the Makefile.
var version, releaseDay = "", ""

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "print the version",
		Args:  noArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return printVersion(cmd) },
	}
}

func printVersion(cmd *cobra.Command) error {
	_, err := fmt.Fprintln(cmd.OutOrStdout(), versionLine())
	return err
}

// versionFlag is --version: the rest of the command line does not matter, as with --help. That of cobra prints by
// a template, which takes 3 MB: see packaging/cold.
type versionFlag struct{}

var errVersion = errors.New("the version is asked for")

func (versionFlag) String() string { return "false" }

func (versionFlag) Type() string { return "bool" }

func (versionFlag) Set(text string) error {
	asked, err := strconv.ParseBool(text)
	if asked {
		return errVersion
	}
	return err
}

func versionLine() string {
	return fmt.Sprintf("porttrace %s %s %s/%s", versionString(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// versionString returns the version of the Makefile, or else that of `go install`.
func versionString() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unknown"
}
