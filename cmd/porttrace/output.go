package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// outputFlags choose the format: -f NAME, or --json for short.
type outputFlags struct {
	format  string
	json    bool
	formats []string
	given   func(flag string) bool
}

// register offers the formats, the first by default.
func (o *outputFlags) register(cmd *cobra.Command, formats ...string) {
	o.formats = formats
	cmd.Flags().StringVarP(&o.format, "format", "f", formats[0], "print as `FORMAT`: "+strings.Join(formats, ", "))
	cmd.Flags().BoolVar(&o.json, "json", false, "the same as --format json")
	offer(cmd, "format", formats...)
	inGroup(cmd.Flags(), groupOutput, "format", "json")
	o.given = cmd.Flags().Changed
}

func (o *outputFlags) chosen() (string, error) {
	if o.json && o.given("format") && o.format != "json" {
		return "", usagef("--json and --format %s exclude each other", o.format)
	}
	if o.json {
		return "json", nil
	}
	if !slices.Contains(o.formats, o.format) {
		return "", usagef("--format %s: must be one of %s", o.format, strings.Join(o.formats, ", "))
	}
	return o.format, nil
}
