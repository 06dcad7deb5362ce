package otlphttp

import (
	"context"
	"fmt"
	"sync"

	sdklog "go.opentelemetry.io/otel/sdk/log"
)

// outage says when the sending of something begins to fail, and when it works again.
type outage struct {
	what string
	lost string // what is lost with requests that fail
	say  func(line string)

	mu     sync.Mutex
	failed int // requests, since it works no more
}

func (o *outage) note(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err == nil && o.failed > 0 {
		o.say(fmt.Sprintf("sending %s works again. Requests that failed: %d; %s", o.what, o.failed, o.lost))
		o.failed = 0
	}
	if err == nil {
		return
	}
	if o.failed++; o.failed == 1 {
		o.say(fmt.Sprintf("sending %s: %s; tracing goes on, and what comes is tried", o.what, line(err)))
	}
}

// saidLogs is an exporter whose errors are said.
type saidLogs struct {
	sdklog.Exporter
	*outage
}

func (e saidLogs) Export(ctx context.Context, records []sdklog.Record) error {
	e.note(e.Exporter.Export(ctx, records))
	return nil
}
