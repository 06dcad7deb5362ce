package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"
)

// manSection is that of the manual for those who run a host: all that traces takes privileges.
const manSection = "8"

func manCommand(root *cobra.Command) *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "man [COMMAND]",
		Short: "print the manual page of porttrace, or of a command",
		Long: `Prints the manual page of porttrace, or of one of its commands, as the source
that man shows. Packages install all of them: man porttrace-doctor.`,
		Example: `  porttrace man doctor | man -l -
  sudo porttrace man -o /usr/local/share/man/man8 # all of them`,
		Args: func(_ *cobra.Command, args []string) error {
			switch {
			case len(args) > 0 && dir != "":
				return usagef("-o is for all pages: leave out %q", args[0])
			case len(args) > 0 && !slices.Contains(manCommands(root), args[0]):
				return unknownCommand(root, args[0])
			}
			return noMore(args, 1)
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return manCommands(root), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case dir != "":
				return writeManual(root, dir)
			case len(args) == 0:
				return writePage(cmd.OutOrStdout(), root)
			}
			return writePage(cmd.OutOrStdout(), commandNamed(root, args[0]))
		},
	}
	cmd.Flags().StringVarP(&dir, "output", "o", "", "write all pages into this `DIR`, which is made if need be")
	inGroup(cmd.Flags(), groupOutput, "output")
	return cmd
}

// manCommands are the commands that have a page: help is --help.
func manCommands(root *cobra.Command) []string {
	return slices.DeleteFunc(commandNames(root), func(name string) bool { return name == "help" })
}

func writePage(to io.Writer, cmd *cobra.Command) error {
	_, err := manPage(cmd).WriteTo(to)
	return err
}

// writeManual writes a file for each page: porttrace.8, porttrace-record.8.
func writeManual(root *cobra.Command, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("writing the manual: %w", err)
	}
	commands := []*cobra.Command{root}
	for _, name := range manCommands(root) {
		commands = append(commands, commandNamed(root, name))
	}
	for _, cmd := range commands {
		if err := writeManFile(filepath.Join(dir, manName(cmd)+"."+manSection), cmd); err != nil {
			return fmt.Errorf("writing the manual: %w", err)
		}
	}
	return nil
}

func writeManFile(name string, cmd *cobra.Command) (err error) {
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	defer func() {
		if e := file.Close(); err == nil {
			err = e
		}
	}()
	return writePage(file, cmd)
}
