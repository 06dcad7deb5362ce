package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"
)

const (
	quietFor  = 2 * time.Second
	quietPart = 0.1 // of all processors
)

// needQuiet refuses to measure for the document while other programs use the processors: what the
// storm loses would be charged to the tracers.
func needQuiet(ctx context.Context) error {
	before, err := processorTime()
	if err != nil {
		return err
	}
	if err := sleep(ctx, quietFor); err != nil {
		return err
	}
	after, err := processorTime()
	if err != nil {
		return err
	}
	if part := after.busySince(before); part > quietPart {
		return fmt.Errorf("other programs use %.0f %% of the processors: what is measured beside them is not for the document", 100*part)
	}
	return nil
}

// ticks is the time of all processors.
type ticks struct{ all, idle uint64 }

// busySince returns the part of the time that they have worked.
func (t ticks) busySince(before ticks) float64 {
	all, idle := t.all-before.all, t.idle-before.idle
	if all == 0 {
		return 0
	}
	return 1 - float64(idle)/float64(all)
}

func processorTime() (ticks, error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return ticks{}, err
	}
	return parseTicks(string(text))
}

// parseTicks reads the first line of proc_stat(5): user, nice, system, idle, iowait and more.
// The time of guests, the last two, is in that of user and nice.
func parseTicks(text string) (t ticks, err error) {
	var of [8]uint64
	line, _, _ := strings.Cut(text, "\n")
	if _, err := fmt.Sscanf(line, "cpu %d %d %d %d %d %d %d %d", &of[0], &of[1], &of[2], &of[3], &of[4], &of[5], &of[6], &of[7]); err != nil {
		return t, fmt.Errorf("reading /proc/stat: %w", err)
	}
	for _, n := range of {
		t.all += n
	}
	t.idle = of[3] + of[4]
	return t, nil
}
