package main

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// offer lets the shell complete the values of a flag. A list has several, between commas.
func offer(cmd *cobra.Command, flag string, values ...string) {
	err := cmd.RegisterFlagCompletionFunc(flag, func(cmd *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		if _, list := cmd.Flag(flag).Value.(*listValue); !list {
			return values, cobra.ShellCompDirectiveNoFileComp
		}
		before := typed[:strings.LastIndexByte(typed, ',')+1]
		offered := make([]string, len(values))
		for i, value := range values {
			offered[i] = before + value
		}
		return offered, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	})
	if err != nil {
		panic(err) // no such flag, or twice
	}
}

// offerNoFiles keeps the shell from completing names of files where a flag takes something else.
func offerNoFiles(cmd *cobra.Command) {
	cmd.Flags().VisitAll(func(flag *pflag.Flag) {
		switch name, _ := pflag.UnquoteUsage(flag); name {
		case "FILE", "DIR", "DIRECTORY":
			return
		}
		if _, offered := cmd.GetFlagCompletionFunc(flag.Name); !offered {
			offer(cmd, flag.Name)
		}
	})
}

// names returns the texts of named values.
func names[T ~string](values []T) []string {
	texts := make([]string, len(values))
	for i, value := range values {
		texts[i] = string(value)
	}
	return texts
}
