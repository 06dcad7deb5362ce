package otlphttp

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	bridge "go.opentelemetry.io/contrib/bridges/prometheus"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/resource"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/export"
)

const (
	// intervalVariable is how often metrics are sent, in milliseconds, as the SDK has it.
	intervalVariable = "OTEL_METRIC_EXPORT_INTERVAL"
	defaultInterval  = time.Minute
	// lastTime is for how long what waits is still sent after the end.
	lastTime = 2 * time.Second
)

// Sender sends metrics, each minute or as OTEL_METRIC_EXPORT_INTERVAL has it, and a log record of each event that is
// written to it, within a second. Nothing waits for a collector that is slow or down: 2,048 records are kept, the oldest
// give way to new ones.
//
// Metrics go from Prometheus's registry to the SDK's exporter without a MeterProvider, whose aggregations, 0.65 MB, would
// have nothing to add up.
type Sender struct {
	ctx     context.Context // of the values that the SDK takes from one
	about   *resource.Resource
	logs    *sdklog.BatchProcessor
	logger  log.Logger
	metrics metric.Exporter
	every   time.Duration
	unsent  outage // of metrics
}

// NewSender returns a Sender to the URL of a collector, to whose path /v1/logs and /v1/metrics are added. host and
// version, which is that of porttrace, are in all that is sent. say gets a line when the sending of logs or of metrics
// fails, and one when it works again.
func NewSender(ctx context.Context, endpoint, host, version string, say func(line string)) (*Sender, error) {
	u, err := parse(endpoint)
	if err != nil {
		return nil, err
	}
	s := &Sender{ctx: context.WithoutCancel(ctx), about: resourceOf(host, version), every: defaultInterval}
	s.unsent = outage{what: "metrics", lost: "their figures are lost", say: say}
	if text := os.Getenv(intervalVariable); text != "" {
		ms, err := strconv.ParseUint(text, 10, 31)
		if err != nil || ms == 0 {
			return nil, fmt.Errorf("%s is %q: must be a number of milliseconds", intervalVariable, text)
		}
		s.every = time.Duration(ms) * time.Millisecond
	}
	if s.metrics, err = otlpmetrichttp.New(s.ctx, otlpmetrichttp.WithEndpointURL(u.JoinPath("v1/metrics").String())); err != nil {
		return nil, err
	}
	logs, err := logsExporter(s.ctx, u.JoinPath("v1/logs"))
	if err != nil {
		return nil, err
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { say("OpenTelemetry: " + line(err)) }))
	s.logs = sdklog.NewBatchProcessor(saidLogs{logs, &outage{
		what: "log records", lost: "their records are lost, and the oldest of those that waited, if too many did", say: say,
	}})
	s.logger = logger(s.logs, s.about, version)
	return s, nil
}

// Write makes a log record of an event.
func (s *Sender) Write(e *event.Event, c export.Context) error {
	s.logger.Emit(s.ctx, export.LogRecord(e, c))
	return nil
}

// Run sends until the context ends, and then for up to two seconds what waits, and the metrics once more.
func (s *Sender) Run(ctx context.Context, from prometheus.Gatherer) {
	producer := bridge.NewMetricProducer(bridge.WithGatherer(from))
	ticks := time.NewTicker(s.every)
	defer ticks.Stop()
	for ctx.Err() == nil {
		s.sendMetrics(ctx, producer)
		select {
		case <-ticks.C:
		case <-ctx.Done():
		}
	}
	ctx, cancel := context.WithTimeout(s.ctx, lastTime)
	defer cancel()
	_ = s.logs.Shutdown(ctx) // what fails is said
	s.sendMetrics(ctx, producer)
}

func (s *Sender) sendMetrics(ctx context.Context, producer metric.Producer) {
	scopes, err := producer.Produce(ctx)
	if err == nil && len(scopes) == 0 {
		return // nothing is known yet
	}
	if err == nil {
		err = s.metrics.Export(ctx, &metricdata.ResourceMetrics{Resource: s.about, ScopeMetrics: scopes})
	}
	if ctx.Err() == nil {
		s.unsent.note(err)
	}
}
