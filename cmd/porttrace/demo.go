package main

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/porttrace/porttrace/internal/filter"
	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/live"
	"github.com/porttrace/porttrace/internal/pipeline"
	"github.com/porttrace/porttrace/internal/record"
)

// demoRecording is the demo as it was on a Debian 12 with Linux 6.12, see
// kerneltest.TestDemoRecording.
//
//go:embed demo.ptrace
var demoRecording []byte

func demoCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "Churns ports in a private namespace so that there is something to see; harmless to the host",
		Long: `Shows the live screen over programs that misbehave in a network namespace of their own. Where
nothing can be traced, without root or on a kernel that does not allow it, replays a recording of that.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runDemo(cmd.Context())
		},
	}
}

func runDemo(ctx context.Context) (err error) {
	if err := needTerminal("run it in one"); err != nil {
		return err
	}
	// Attach first: the demo's first connections are to be seen, and its listeners.
	source, err := live.Open(live.Options{})
	if err != nil {
		return replayDemo(ctx, err)
	}
	defer source.Close()
	demo, err := lab.StartDemo(ctx, lab.DemoOptions{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, demo.Close()) }()
	go func() {
		for exit := range demo.Exits() {
			source.Say(fmt.Sprintf("%s (%d) has ended: %v; the others go on", exit.Name, exit.PID, exit.Err))
		}
	}()
	only, err := filter.Parse(filter.Request{Netns: []string{strconv.FormatUint(uint64(demo.Netns()), 10)}})
	if err != nil {
		return err
	}
	return showScreen(ctx, source, pipeline.Options{Filter: only}, "porttrace demo")
}

// replayDemo shows the recording, and says why.
func replayDemo(ctx context.Context, why error) error {
	recording, err := record.NewReader(bytes.NewReader(demoRecording), int64(len(demoRecording)))
	if err != nil {
		return fmt.Errorf("reading the recorded demo: %w", err)
	}
	fmt.Fprintf(os.Stderr, "this is a recording of the demo, for here it cannot run: %v\n", why)
	return showReplay(ctx, recording, pipeline.Options{}, "porttrace demo (recorded)")
}
