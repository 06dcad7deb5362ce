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
	"github.com/porttrace/porttrace/tui"
)

// demoRecording was made on Debian 12 with Linux 6.12, by kerneltest.TestDemoRecording.
//
//go:embed demo.ptrace
var demoRecording []byte

func demoCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "show programs that run out of ports, in a namespace of their own",
		Long: `Shows the live screen, with programs that misbehave in a network namespace of
their own: harmless to the host. If tracing is not possible, without root or on
a kernel that does not allow it, replays a recording of that.`,
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
	// Attach first: the first connections and the listeners of the demo must be seen.
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
			source.Notify(fmt.Sprintf("%s (%d) has ended: %v; the others go on", exit.Name, exit.PID, exit.Err))
		}
	}()
	only, err := filter.Parse(filter.Request{Netns: []string{strconv.FormatUint(uint64(demo.Netns()), 10)}})
	if err != nil {
		return err
	}
	return showScreen(ctx, source, pipeline.Options{Filter: only}, tui.Options{Title: "porttrace demo"})
}

// replayDemo prints why the demo cannot run, and shows its recording.
func replayDemo(ctx context.Context, why error) error {
	recording, err := record.NewReader(bytes.NewReader(demoRecording), int64(len(demoRecording)))
	if err != nil {
		return fmt.Errorf("reading the recorded demo: %w", err)
	}
	fmt.Fprintf(os.Stderr, "this is a recording of the demo, because it cannot run here: %v\n", why)
	return showReplay(ctx, recording, nil, tui.Options{Title: "porttrace demo (recorded)"})
}
