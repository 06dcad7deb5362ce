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
	stormCPU    float64       // seconds of user and system time of the storm
	tracerCPU   time.Duration // user and system time of the tracer, from the storm's start to its end
	tracerPeak  int64         // the tracer's greatest resident set, in bytes
}

// stormCost returns the CPU time of the storm in us a connection. What other programs do at the
// same time disturbs it less than it does the throughput.
func (s sample) stormCost() float64 { return s.stormCPU * 1e6 / float64(s.connections) }

// tracerCost returns the CPU time of the tracer in us a connection.
func (s sample) tracerCost() float64 { return s.tracerCPU.Seconds() * 1e6 / float64(s.connections) }

// drain is how long a tracer may work on what the storm left in its buffers.
const drain = 300 * time.Millisecond

// once runs one storm under one mode.
func once(ctx context.Context, cfg config, s storm, m mode) (sample, error) {
	if m.kind == bare {
		return blow(ctx, s)
	}
	t, err := startTracer(ctx, m, cfg.settle)
	if err != nil {
		return sample{}, err
	}
	result, err := underTracer(ctx, s, t)
	return result, errors.Join(err, t.stop())
}

// underTracer runs one storm and charges the tracer with the CPU time that it
// used meanwhile, so not with that of its start.
func underTracer(ctx context.Context, s storm, t *tracer) (sample, error) {
	before, err := t.cpu()
	if err != nil {
		return sample{}, err
	}
	result, err := blow(ctx, s)
	if err != nil {
		return sample{}, err
	}
	time.Sleep(drain)
	after, errCPU := t.cpu()
	result.tracerCPU = after - before
	result.tracerPeak, err = t.memory(peakResident)
	return result, errors.Join(errCPU, err)
}

// blow runs one storm in a namespace of its own, so that each begins with all
// ports free.
func blow(ctx context.Context, s storm) (sample, error) {
	netns, err := lab.NewStormNetns()
	if err != nil {
		return sample{}, err
	}
	result, err := blowIn(ctx, netns, s)
	return result, errors.Join(err, netns.Close())
}

func blowIn(ctx context.Context, netns *lab.Netns, s storm) (sample, error) {
	if err := ctx.Err(); err != nil {
		return sample{}, err
	}
	var r lab.StormResult
	if err := netns.Run("storm", &s.job, &r); err != nil {
		return sample{}, err
	}
	if r.Connections == 0 || r.Connections < s.job.Count {
		return sample{}, fmt.Errorf("the storm made %d connections in %.1f s", r.Connections, r.Seconds)
	}
	return sample{connections: r.Connections, perSecond: float64(r.Connections) / r.Seconds, stormCPU: r.CPU}, nil
}
