package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/porttrace/porttrace/internal/confine"
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

	Capabilities      []checkedCapability `json:"capabilities"`       // those that tracing uses
	OtherCapabilities int                 `json:"other_capabilities"` // how many more this process has, which are dropped
}

// checkedCapability is what becomes of one, capabilities(7).
type checkedCapability struct {
	Name string `json:"capability"` // as in capabilities(7)
	Held bool   `json:"held"`       // this process has it
	Kept string `json:"kept"`       // after attaching by --privileges: always, drop (not with least) or never
	For  string `json:"for"`        // what it is for
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
	result := checked{Schema: checkSchema, Name: host.Name, Kernel: host.Kernel, Arch: host.Arch, Signals: source.Signals()}
	result.addCapabilities()
	if format == "json" {
		out := json.NewEncoder(os.Stdout)
		out.SetIndent("", "  ")
		return out.Encode(result)
	}
	if err := printSignals(os.Stdout, host, result.Signals); err != nil {
		return err
	}
	return result.printCapabilities(os.Stdout)
}

func (c *checked) addCapabilities() {
	list, others := confine.Capabilities()
	c.OtherCapabilities = others
	for _, one := range list {
		kept := "never"
		switch {
		case one.Last:
			kept = "always"
		case one.Drop:
			kept = string(confine.Drop)
		}
		c.Capabilities = append(c.Capabilities, checkedCapability{one.Name, one.Held, kept, one.For})
	}
}

// printCapabilities prints which capabilities there are, and what a run does with them once it has
// attached.
func (c *checked) printCapabilities(w io.Writer) error {
	fmt.Fprintln(w)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "CAPABILITY\tHELD\tONCE ATTACHED\tFOR")
	for _, one := range c.Capabilities {
		held, then := "no", "-"
		if one.Held {
			held = "yes"
			then = map[string]string{"always": "kept", "drop": "kept, but for --privileges least", "never": "dropped"}[one.Kept]
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", one.Name, held, then, one.For)
	}
	if c.OtherCapabilities > 0 {
		fmt.Fprintf(table, "%d others\tyes\tdropped\t\n", c.OtherCapabilities)
	}
	return table.Flush()
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
