// Package otlphttp sends log records and metrics to an OpenTelemetry collector (OTLP/HTTP), by the SDK of
// OpenTelemetry: Poster sends the events of a recording, one request after another; Sender what is traced, in the
// background. Both heed the variables of the SDK, as OTEL_EXPORTER_OTLP_HEADERS for a key.
package otlphttp

import (
	"context"
	"errors"
	"net/url"
	"strings"

	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	"go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/resource"

	"github.com/porttrace/porttrace/internal/export"
	"github.com/porttrace/porttrace/internal/printable"
)

// parse returns the URL of a collector.
func parse(endpoint string) (*url.URL, error) {
	u, err := url.Parse(endpoint)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("must be a URL, as in http://localhost:4318")
	case u.User != nil:
		return nil, errors.New("must have no user: OTEL_EXPORTER_OTLP_HEADERS can have a key, which other users cannot see")
	}
	return u, nil
}

// logsExporter returns the exporter of log records to a URL.
func logsExporter(ctx context.Context, u *url.URL) (sdklog.Exporter, error) {
	return otlploghttp.New(ctx, otlploghttp.WithEndpointURL(u.String()))
}

// resourceOf returns what all that is sent is about, with what OTEL_RESOURCE_ATTRIBUTES adds.
func resourceOf(host, version string) *resource.Resource {
	own := resource.NewWithAttributes(export.OTLPSchema, export.OTLPResource(host, version)...)
	all, err := resource.Merge(resource.Environment(), own)
	if err != nil {
		return own
	}
	return all
}

// logger returns a logger of events.
func logger(processor sdklog.Processor, about *resource.Resource, version string) log.Logger {
	return sdklog.NewLoggerProvider(sdklog.WithResource(about), sdklog.WithProcessor(processor)).
		Logger("porttrace", log.WithInstrumentationVersion(version))
}

// maxLine is how many bytes of an error are shown.
const maxLine = 400

// line returns an error, which has what a collector has answered, as one short line that is inert.
func line(err error) string {
	text := strings.TrimSpace(err.Error())
	if len(text) > maxLine {
		text = text[:maxLine] + "..."
	}
	return printable.String(text)
}
