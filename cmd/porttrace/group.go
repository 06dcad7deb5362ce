package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/porttrace/porttrace/internal/snapshot"
)

var groupings = names(snapshot.Groupings())

// groupFlag chooses how processes are grouped.
type groupFlag struct{ by string }

func (f *groupFlag) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.by, "group-by", string(snapshot.ByProgram), "group processes by `WHAT`: "+strings.Join(groupings, ", "))
	offer(cmd, "group-by", groupings...)
	inGroup(cmd.Flags(), groupOutput, "group-by")
}

func (f *groupFlag) chosen() (snapshot.Grouping, error) {
	by := snapshot.Grouping(f.by)
	if !slices.Contains(snapshot.Groupings(), by) {
		return "", usagef("--group-by %s: must be one of %s", f.by, strings.Join(groupings, ", "))
	}
	return by, nil
}
