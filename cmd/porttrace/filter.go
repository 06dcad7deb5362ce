package main

import (
	"github.com/spf13/cobra"

	"github.com/porttrace/porttrace/internal/filter"
)

// filterFlags choose the events that are listed, live and from a recording.
type filterFlags struct {
	request   filter.Request
	anonymous anonymizeFlags // of the commands that have them
	given     func(flag string) bool
}

func (f *filterFlags) register(cmd *cobra.Command) {
	for _, row := range filter.Flags {
		switch row.Name {
		case "pid", "port":
			numbersVarP(cmd.Flags(), row.Values(&f.request), row.Name, shorthand[row.Name], row.Help)
		default:
			listVarP(cmd.Flags(), row.Values(&f.request), row.Name, shorthand[row.Name], nil, row.Help)
		}
		inGroup(cmd.Flags(), groupFilters, row.Name)
	}
	cmd.Flags().BoolVar(&f.request.Children, "children", false, "with --pid: its descendants, too, present and future")
	inGroup(cmd.Flags(), groupFilters, "children")
	f.given = cmd.Flags().Changed
}

var shorthand = map[string]string{"pid": "p"}

// check returns the usage error of a request, which is not resolved yet.
func (f *filterFlags) check(request filter.Request) error {
	for _, row := range filter.Flags {
		if f.given(row.Name) && len(*row.Values(&request)) == 0 { // as of --pid "$(pidof nothing)"
			return usagef("--%s: must not be empty", row.Name)
		}
	}
	if err := request.Check(); err != nil {
		return usageError{err}
	}
	return nil
}
