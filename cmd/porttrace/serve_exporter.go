package main

import (
	"cmp"
	"context"
	"sync"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/linux"
	"github.com/porttrace/porttrace/internal/metrics"
	"github.com/porttrace/porttrace/internal/pipeline"
	"github.com/porttrace/porttrace/internal/scrape"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// viewEvery is the time between two snapshots for scrapes, while there are scrapes.
const viewEvery = 2 * time.Second

// exporter is the run of serve: what the pipeline emits goes to the metrics and to the ring.
type exporter struct {
	meter     *metrics.Meter
	collector *metrics.Collector
	views     *scrape.Views
	ring      *ring       // nil: none
	otlp      *otlpSender // nil: none
}

func newExporter(flags *serveFlags) *exporter {
	return &exporter{
		meter: metrics.NewMeter(flags.owners), collector: metrics.NewCollector(flags.spaces, versionString()),
		views: scrape.NewViews(),
	}
}

// run traces and serves until the session ends, or either fails.
func (e *exporter) run(session *session, server *scrape.Server) error {
	ctx, cancel := context.WithCancel(session.ctx)
	defer cancel()
	served, registry := make(chan error, 1), metrics.Registry(e.collector, e.meter)
	go func() {
		served <- server.Serve(ctx, registry, e.views, versionString())
		cancel()
	}()
	var sending sync.WaitGroup
	if e.otlp != nil {
		sending.Go(func() { e.otlp.run(ctx, registry, e.views) })
	}
	_, err := pipeline.Aggregate(ctx, session.stream, e.options(session))
	cancel()
	sending.Wait()
	if e.ring != nil {
		err = cmp.Or(err, e.ring.close())
	}
	return cmp.Or(err, <-served)
}

func (e *exporter) options(session *session) pipeline.Options {
	opts := pipeline.Options{
		Filter: session.filter, Cost: linux.CPUTime,
		Tee: e.add, AfterBatch: e.endBatch,
		EveryStream: viewEvery, Observe: e.observe, Wanted: e.views.Wanted,
	}
	opts.Scans = e.otlp != nil // they say who holds a port
	if e.ring == nil {
		return opts
	}
	opts.Scans, opts.Head = true, &e.ring.head
	if e.ring.watch != nil {
		opts.EveryStream, opts.Wanted = judgeEvery, nil
	}
	return opts
}

func (e *exporter) add(ev *event.Event, world *event.World) error {
	if ev.Kind == event.CensusTaken || ev.Kind == event.SignalsKnown && world.Signals.Off(event.SignalCensus) {
		e.views.Ready()
	}
	err := e.meter.Add(ev, world)
	if err == nil && e.otlp != nil {
		err = e.otlp.failures.print(ev, world)
	}
	if err != nil || e.ring == nil {
		return err
	}
	return e.ring.Add(ev, world)
}

func (e *exporter) endBatch(now event.Time) error {
	e.meter.Advance(now)
	e.views.Move()
	if e.ring == nil {
		return nil
	}
	return e.ring.endBatch(now)
}

// observe takes the next snapshot. With a ring they come more often than scrapes need them.
func (e *exporter) observe(s *snapshot.Snapshot) {
	view := metrics.View{Snapshot: s}
	if e.ring != nil {
		e.ring.observe(s)
		view.Ring = new(e.ring.Writes())
	}
	if e.views.Wanted() {
		view.Counts = e.meter.Counts()
		e.collector.Set(&view)
		e.views.Made()
	}
}
