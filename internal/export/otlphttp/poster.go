package otlphttp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/export"
)

// Poster is an export.Writer that sends a log record of each event. Writing waits for the collector, so that none is
// lost: a request that fails is sent again by the rules of OTLP, for up to a minute.
type Poster struct {
	ctx      context.Context // of all requests: a Writer of events has none
	exporter sdklog.Exporter
	version  string
	host     string
	logger   log.Logger // of the host
	waiting  records
}

// NewPoster returns a Poster to the URL of a collector; without a path it is that of logs, /v1/logs. version is that of
// porttrace.
func NewPoster(ctx context.Context, endpoint, version string) (*Poster, error) {
	u, err := parse(endpoint)
	if err != nil {
		return nil, err
	}
	if strings.Trim(u.Path, "/") == "" {
		u.Path = "/v1/logs"
	}
	exporter, err := logsExporter(ctx, u)
	return &Poster{ctx: ctx, exporter: exporter, version: version}, err
}

func (p *Poster) Write(e *event.Event, c export.Context) error {
	if p.logger == nil || c.Host != p.host {
		p.host, p.logger = c.Host, logger(&p.waiting, resourceOf(c.Host, p.version), p.version)
	}
	p.logger.Emit(p.ctx, export.LogRecord(e, c))
	if len(p.waiting) < export.OTLPBatch {
		return nil
	}
	return p.Close()
}

// Close sends the records that wait. The Poster can be used after it.
func (p *Poster) Close() error {
	if len(p.waiting) == 0 {
		return nil
	}
	err := p.exporter.Export(p.ctx, p.waiting)
	p.waiting = p.waiting[:0]
	switch {
	case cmp.Or(err, p.ctx.Err()) == nil:
		return nil
	case p.ctx.Err() != nil:
		return errors.New("sending log records: interrupted")
	}
	return fmt.Errorf("sending log records: %s", line(err))
}

// records is a processor of the SDK that keeps all records.
type records []sdklog.Record

func (*records) Enabled(context.Context, sdklog.EnabledParameters) bool { return true }

func (r *records) OnEmit(_ context.Context, one *sdklog.Record) error {
	*r = append(*r, one.Clone())
	return nil
}

func (*records) Shutdown(context.Context) error { return nil }

func (*records) ForceFlush(context.Context) error { return nil }
