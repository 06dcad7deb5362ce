package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/porttrace/porttrace/internal/lab"
)

// sample is what one storm showed.
type sample struct {
	connections int
	perSecond   float64       // connections
	stormCPU    float64       // seconds of CPU time of the storm
	tracerCPU   time.Duration // user and system time of the tracer, from the storm's start to its end
	tracerRSS   int64         // the tracer's maximum, in bytes
}

// stormCost returns the CPU time of the storm in us per connection. What other
// programs do at the same time disturbs it less than it does the throughput.
func (s sample) stormCost() float64 { return s.stormCPU * 1e6 / float64(s.connections) }

// tracerCost returns the CPU time of the tracer in us per connection.
func (s sample) tracerCost() float64 { return s.tracerCPU.Seconds() * 1e6 / float64(s.connections) }

// drain is how long a tracer may work on what the storm left in its buffers.
const drain = 300 * time.Millisecond

// once runs one storm under one tracer, or none.
func once(ctx context.Context, cfg config, storm string, mode command) (sample, error) {
	if mode.args == nil {
		return blow(ctx, cfg, storm)
	}
	t, err := startTracer(ctx, mode, cfg.settle)
	if err != nil {
		return sample{}, err
	}
	s, err := underTracer(ctx, cfg, storm, t)
	return s, errors.Join(err, t.stop())
}

// underTracer runs one storm and charges the tracer with the CPU time that it
// used meanwhile, so not with that of its start.
func underTracer(ctx context.Context, cfg config, storm string, t *tracer) (sample, error) {
	before, err := t.cpu()
	if err != nil {
		return sample{}, err
	}
	s, err := blow(ctx, cfg, storm)
	if err != nil {
		return sample{}, err
	}
	time.Sleep(drain)
	after, errCPU := t.cpu()
	s.tracerCPU = after - before
	s.tracerRSS, err = t.rss()
	return s, errors.Join(errCPU, err)
}

// blow runs one storm in a namespace of its own, so that each begins with all
// ports free.
func blow(ctx context.Context, cfg config, storm string) (sample, error) {
	if err := ctx.Err(); err != nil {
		return sample{}, err
	}
	netns, err := lab.NewStormNetns()
	if err != nil {
		return sample{}, err
	}
	var r lab.StormResult
	job := &lab.Storm{Reset: storm == "rst", For: cfg.duration, Threads: cfg.threads}
	if err := errors.Join(netns.Run("storm", job, &r), netns.Close()); err != nil {
		return sample{}, err
	}
	if r.Connections == 0 || r.CPU == 0 {
		return sample{}, fmt.Errorf("the storm made %d connections in %.1f s", r.Connections, r.Seconds)
	}
	return sample{
		connections: r.Connections,
		perSecond:   float64(r.Connections) / r.Seconds,
		stormCPU:    r.CPU,
	}, nil
}
