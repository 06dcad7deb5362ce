package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/porttrace/porttrace/internal/filter"
	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/live"
	"github.com/porttrace/porttrace/internal/pipeline"
)

func demoCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "Churns ports in a private namespace so that there is something to see; harmless to the host",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runDemo(cmd.Context())
		},
	}
}

func runDemo(ctx context.Context) (err error) {
	if err := needTerminal(); err != nil {
		return err
	}
	// Attach first: the demo's first connections are to be seen, and its listeners.
	source, err := live.Open(live.Options{})
	if err != nil {
		return err
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
	only, err := filter.Parse(filter.Spec{Netns: []uint32{demo.Netns()}})
	if err != nil {
		return err
	}
	return showScreen(ctx, source, pipeline.Options{Filter: only}, "porttrace demo")
}
