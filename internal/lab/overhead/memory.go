package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/porttrace/porttrace/internal/lab"
)

// memorySample is the memory of a tracer in a storm and after it.
type memorySample struct {
	peak, later int64   // resident, in bytes
	idle        float64 // CPU time in the last seconds of the wait, as a part of one CPU
}

// idleFor is how long the CPU time is measured when the host is idle.
const idleFor = 10 * time.Second

// measureMemory runs one storm under all modes of porttrace at once: what they keep does not
// depend on how fast the storm is. The namespace remains, with what the storm has left in it.
func measureMemory(ctx context.Context, cfg config, s storm) (map[string]memorySample, error) {
	netns, err := lab.NewStormNetns()
	if err != nil {
		return nil, err
	}
	running, err := startAll(ctx, cfg)
	var samples map[string]memorySample
	if err == nil {
		if _, err = blowIn(ctx, netns, s); err == nil {
			samples, err = afterStorm(ctx, running, cfg.later)
		}
	}
	return samples, errors.Join(err, stopAll(running), netns.Close())
}

// startAll starts all modes of porttrace. What it returns must be stopped, even after an error.
func startAll(ctx context.Context, cfg config) (map[string]*tracer, error) {
	running := map[string]*tracer{}
	for _, m := range cfg.modes {
		if !m.hasGoals() {
			continue
		}
		t, err := startTracer(ctx, m, cfg.settle)
		if err != nil {
			return running, fmt.Errorf("%s: %w", m.name, err)
		}
		running[m.name] = t
	}
	return running, nil
}

func stopAll(running map[string]*tracer) error {
	var errs []error
	for name, t := range running {
		if err := t.stop(); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}

// afterStorm waits, and measures what the tracers are left with.
func afterStorm(ctx context.Context, running map[string]*tracer, later time.Duration) (map[string]memorySample, error) {
	if err := sleep(ctx, later-idleFor); err != nil {
		return nil, err
	}
	before := map[string]time.Duration{}
	for name, t := range running {
		cpu, err := t.cpu()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		before[name] = cpu
	}
	if err := sleep(ctx, idleFor); err != nil {
		return nil, err
	}
	samples := map[string]memorySample{}
	for name, t := range running {
		cpu, err := t.cpu()
		peak, errPeak := t.memory(peakResident)
		now, errNow := t.memory(resident)
		if err := errors.Join(err, errPeak, errNow); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		samples[name] = memorySample{peak: peak, later: now, idle: float64(cpu-before[name]) / float64(idleFor)}
	}
	return samples, nil
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
