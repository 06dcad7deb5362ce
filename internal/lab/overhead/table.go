package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
)

// printRounds prints what each mode cost: medians over the rounds, but for the
// range of the throughput kept and the greatest RSS. Ratios and differences are
// paired: each is that of a mode to none in the same round. What is added is CPU
// time of the storm, so what the tracer does in the kernel.
func printRounds(w io.Writer, storm string, modes []command, rounds []map[string]sample) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "%s storm, %d rounds\tconn/s\tkept\tmin\tmax\tstorm us/conn\tadded us/conn\ttracer us/conn\tRSS MiB\n", storm, len(rounds))
	for _, mode := range modes {
		column := func(value func(s, bare sample) float64) []float64 {
			var values []float64
			for _, round := range rounds {
				values = append(values, value(round[mode.name], round[none]))
			}
			return values
		}
		kept := column(func(s, bare sample) float64 { return s.perSecond / bare.perSecond })
		fmt.Fprintf(table, "%s\t%.0f\t%.3f\t%.3f\t%.3f\t%.2f\t%.2f\t%.2f\t%.1f\n", mode.name,
			median(column(func(s, _ sample) float64 { return s.perSecond })),
			median(kept), slices.Min(kept), slices.Max(kept),
			median(column(func(s, _ sample) float64 { return s.stormCost() })),
			median(column(func(s, bare sample) float64 { return s.stormCost() - bare.stormCost() })),
			median(column(func(s, _ sample) float64 { return s.tracerCost() })),
			slices.Max(column(func(s, _ sample) float64 { return float64(s.tracerRSS) / (1 << 20) })))
	}
	fmt.Fprintln(table)
	return table.Flush()
}

// printKernel prints what the programs of each tracer cost in the kernel.
func printKernel(w io.Writer, storm string, tracers []command, samples []kernelSample) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "%s storm, statistics on\truns/conn\tkernel ns/run\tkernel us/conn\n", storm)
	for i, s := range samples {
		fmt.Fprintf(table, "%s\t%.1f\t%.0f\t%.2f\n", tracers[i].name, s.runsPerConnection, s.nsPerRun, s.usPerConnection)
	}
	fmt.Fprintln(table)
	return table.Flush()
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}
