package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/export"
	"github.com/porttrace/porttrace/internal/export/otlphttp"
	"github.com/porttrace/porttrace/internal/scrape"
)

const (
	// intervalVariable is how often metrics are sent, in milliseconds, as the SDKs of OpenTelemetry have it.
	intervalVariable = "OTEL_METRIC_EXPORT_INTERVAL"
	defaultInterval  = time.Minute
	// logsEvery is how long a failure waits for others to be sent with.
	logsEvery = time.Second
)

// otlpSender sends metrics and failures to a collector of OpenTelemetry.
type otlpSender struct {
	queue   *otlphttp.Queue
	every   time.Duration
	printer *printer // of failures, into the queue
	flushAt event.Time
	host    atomic.Pointer[string]
}

func newOTLPSender(ctx context.Context, endpoint string) (*otlpSender, error) {
	say := func(line string) { fmt.Fprintln(os.Stderr, line) }
	queue, err := otlphttp.NewQueue(ctx, endpoint, os.Getenv(headersVariable), say, "logs", "metrics")
	if err != nil {
		return nil, usagef("--otlp %s: %w", endpoint, err)
	}
	s := &otlpSender{queue: queue, every: defaultInterval}
	if text := os.Getenv(intervalVariable); text != "" {
		ms, err := strconv.ParseUint(text, 10, 31)
		if err != nil || ms == 0 {
			return nil, usagef("%s is %q: must be a number of milliseconds", intervalVariable, text)
		}
		s.every = time.Duration(ms) * time.Millisecond
	}
	failures := printFlags{failures: true}
	kinds, err := failures.wanted()
	if err == nil {
		s.printer, err = failures.printer(kinds, "otlp", writerFunc(queue.Writer("logs")), time.UTC, true)
	}
	return s, err
}

// writerFunc is a function as an io.Writer.
type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

var _ io.Writer = writerFunc(nil)

// add makes a log record of each event that is a failure.
func (s *otlpSender) add(ev *event.Event, world *event.World) error {
	if name := world.Host.Name; s.host.Load() == nil && name != "" {
		s.host.Store(&name)
	}
	return s.printer.print(ev, world)
}

// endBatch sends the records that have waited.
func (s *otlpSender) endBatch(now event.Time) error {
	if now < s.flushAt {
		return nil
	}
	s.flushAt = now.Add(logsEvery)
	return s.printer.end()
}

// run sends until the context ends.
func (s *otlpSender) run(ctx context.Context, from prometheus.Gatherer, views *scrape.Views) {
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		s.queue.Run(ctx)
	}()
	began, ticks, write := time.Now(), time.NewTicker(s.every), s.queue.Writer("metrics")
	defer ticks.Stop()
	for ctx.Err() == nil {
		if views.Await(ctx) {
			s.sendMetrics(from, began, write)
		}
		select {
		case <-ticks.C:
		case <-ctx.Done():
		}
	}
	<-sent
}

func (s *otlpSender) sendMetrics(from prometheus.Gatherer, began time.Time, write func([]byte) (int, error)) {
	families, err := from.Gather()
	host := ""
	if name := s.host.Load(); name != nil {
		host = *name
	}
	body, wrong := export.OTLPMetrics(families, host, versionString(), began, time.Now())
	if err = cmp.Or(err, wrong); err != nil {
		fmt.Fprintln(os.Stderr, "metrics for OpenTelemetry:", err)
		return
	}
	_, _ = write(body) // the queue takes it
}
