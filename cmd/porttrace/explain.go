package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/porttrace/porttrace/docs/causes"
	"github.com/porttrace/porttrace/internal/doctor"
)

// explainWidth is that of the narrowest terminal in use.
const explainWidth = 80

func explainCommand() *cobra.Command {
	var output outputFlags
	cmd := &cobra.Command{
		Use:   "explain [CAUSE]",
		Short: "explain a cause that doctor finds, or list the causes",
		Example: `  porttrace explain
  porttrace explain churn
  porttrace explain churn:nginx:10.77.0.2:9000    # the id of a finding`,
		Args: func(_ *cobra.Command, args []string) error {
			return noMore(args, 1)
		},
		ValidArgsFunction: completeCause,
		RunE: func(cmd *cobra.Command, args []string) error {
			format, err := output.chosen()
			if err != nil {
				return err
			}
			if len(args) == 0 {
				return listCauses(cmd.OutOrStdout(), format)
			}
			page, err := findPage(args[0])
			if err != nil {
				return err
			}
			return printPage(cmd.OutOrStdout(), page, format)
		},
	}
	output.register(cmd, "text", "json")
	return cmd
}

func completeCause(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return names(doctor.Causes()), cobra.ShellCompDirectiveNoFileComp
}

// findPage returns the page of a cause. An id of a finding, which begins with its cause, is as
// good as the cause; so are capitals, and hyphens for underscores.
func findPage(name string) (causes.Page, error) {
	cause := doctor.CauseOf(strings.ReplaceAll(strings.ToLower(name), "-", "_"))
	page, found := causes.Of(cause)
	if found {
		return page, nil
	}
	if near := causes.Nearest(string(cause)); len(near) > 0 {
		return page, usagef("explain %s: no such cause; the nearest: %s", name, strings.Join(names(near), ", "))
	}
	return page, usagef("explain %s: no such cause; porttrace explain lists them", name)
}

// explained is the contract of explain --json.
type explained struct {
	Schema   string             `json:"schema"`
	Cause    doctor.Cause       `json:"cause"`
	Title    string             `json:"title"`
	Text     string             `json:"text"` // as it is printed
	Sections []explainedSection `json:"sections"`
}

type explainedSection struct {
	Title string `json:"title"`
	Text  string `json:"text"`
}

func printPage(w io.Writer, page causes.Page, format string) error {
	text := page.Text(explainWidth)
	if format != "json" {
		_, err := io.WriteString(w, text)
		return err
	}
	out := explained{Schema: explainSchema, Cause: page.Cause, Title: page.Title, Text: text}
	for _, s := range page.Sections {
		out.Sections = append(out.Sections, explainedSection{s.Title, s.Text(explainWidth)})
	}
	return writeIndented(w, out)
}

const explainSchema = "porttrace.explain/v1"

// explainedList is the contract of explain --json without a cause.
type explainedList struct {
	Schema string           `json:"schema"`
	Causes []explainedTitle `json:"causes"`
}

type explainedTitle struct {
	Cause doctor.Cause `json:"cause"`
	Title string       `json:"title"`
}

func listCauses(w io.Writer, format string) error {
	list := explainedList{Schema: explainSchema}
	for _, cause := range doctor.Causes() {
		if page, found := causes.Of(cause); found {
			list.Causes = append(list.Causes, explainedTitle{cause, page.Title})
		}
	}
	if format == "json" {
		return writeIndented(w, list)
	}
	out := bufio.NewWriter(w)
	for _, c := range list.Causes {
		fmt.Fprintf(out, "%-24s  %s\n", c.Cause, c.Title)
	}
	return out.Flush()
}

// writeIndented writes JSON with < and > as they are: commands have placeholders.
func writeIndented(w io.Writer, value any) error {
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	out.SetEscapeHTML(false)
	return out.Encode(value)
}
