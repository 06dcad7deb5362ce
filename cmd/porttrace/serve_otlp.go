package main

import (
	"context"
	"fmt"
	"os"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/porttrace/porttrace/internal/export/otlphttp"
	"github.com/porttrace/porttrace/internal/live"
	"github.com/porttrace/porttrace/internal/scrape"
)

// otlpSender sends metrics and failures to a collector of OpenTelemetry.
type otlpSender struct {
	sender   *otlphttp.Sender
	failures *printer // into the sender
}

func newOTLPSender(ctx context.Context, endpoint string) (*otlpSender, error) {
	say := func(line string) { fmt.Fprintln(os.Stderr, line) }
	sender, err := otlphttp.NewSender(ctx, endpoint, live.Host().Name, versionString(), say)
	if err != nil {
		return nil, usagef("--otlp %s: %w", endpoint, err)
	}
	flags := printFlags{failures: true}
	kinds, err := flags.wanted()
	return &otlpSender{sender, flags.printerOf(kinds, sender, true)}, err
}

// run sends until the context ends.
func (s *otlpSender) run(ctx context.Context, from prometheus.Gatherer, views *scrape.Views) {
	s.sender.Run(ctx, prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) {
		if !views.Await(ctx) {
			return nil, nil
		}
		return from.Gather()
	}))
}
