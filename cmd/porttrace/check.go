package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/live"
	"github.com/porttrace/porttrace/internal/probe"
)

type checkFlags struct {
	liveFlags
	output outputFlags
}

func checkCommand() *cobra.Command {
	var flags checkFlags
	cmd := &cobra.Command{
		Use:   "check [flags]",
		Short: "print what this kernel and these privileges allow to observe",
		Example: `  sudo porttrace check
  sudo porttrace check --json
  sudo porttrace check --hooks tracepoint    # as on a kernel without the others`,
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			return runCheck(&flags)
		},
	}
	flags.registerHooks(cmd)
	flags.output.register(cmd, "text", "json")
	return cmd
}

// checkSchema names the form of the JSON of check.
const checkSchema = "porttrace.check/v1"

// checked is the contract of check --json; reports hold the same under "host".
type checked struct {
	Schema  string         `json:"schema"`
	Name    string         `json:"name"`
	Kernel  string         `json:"kernel"`
	Arch    string         `json:"arch"`
	Signals []event.Signal `json:"signals"`
}

func runCheck(flags *checkFlags) error {
	format, err := flags.output.chosen()
	if err != nil {
		return err
	}
	hooks, err := flags.parseHooks()
	if err != nil {
		return err
	}
	host := live.Host()
	source, err := live.Open(live.Options{Probe: probe.Options{Hooks: hooks}})
	if err != nil {
		return fmt.Errorf("%w; porttrace report --census and the screen show port spaces without tracing", rootNeeded(err))
	}
	defer source.Close()
	if format == "json" {
		out := json.NewEncoder(os.Stdout)
		out.SetIndent("", "  ")
		return out.Encode(checked{checkSchema, host.Name, host.Kernel, host.Arch, source.Signals()})
	}
	return printSignals(os.Stdout, host, source.Signals())
}

func printSignals(w io.Writer, host *event.Host, signals event.Signals) error {
	fmt.Fprintf(w, "%s, Linux %s, %s\n\n", host.Name, host.Kernel, host.Arch)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "SIGNAL\tMODE\tHOOK")
	for _, s := range signals {
		fmt.Fprintf(table, "%s\t%s\t%s\n", s.Name, s.Mode, s.Hook)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, s := range signals {
		if s.Reason != "" {
			fmt.Fprintf(w, "\n%s: %s\n", s.Name, s.Reason)
		}
	}
	return nil
}
