package main

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/porttrace/porttrace/internal/lab/performance"
)

// Parts of the document that this command writes.
const (
	overheadPart = "overhead"
	costPart     = "cost" // of the README, too
)

// document writes the tables, one for each storm, and the summary into the documents.
func document(cfg config, tables [][]figures) error {
	host, err := performance.Host()
	if err != nil {
		return err
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "\n%s, porttrace %s. %s. %d rounds of %s; rst and fin to %d destinations, from %d thread(s).\n\n",
		time.Now().UTC().Format(time.DateOnly), cfg.version, host, cfg.rounds, cfg.duration, cfg.destinations, cfg.threads)
	for _, list := range tables {
		if err := writeTable(&b, list); err != nil {
			return err
		}
	}
	if err := performance.ReplaceIn(cfg.doc, overheadPart, b.String()); err != nil {
		return err
	}
	text := summary(tables)
	if text == "" {
		return nil
	}
	for _, file := range cfg.summaries() {
		if err := performance.ReplaceIn(file, costPart, "\n"+text+"\n"); err != nil {
			return err
		}
	}
	return nil
}

// summaries returns the documents that the summary goes into.
func (c config) summaries() []string {
	if c.readme == "" {
		return []string{c.doc}
	}
	return []string{c.doc, c.readme}
}

// summary says in a sentence what porttrace costs in all storms, from its cheapest mode to the dearest, "" if they have
// not shown it.
func summary(tables [][]figures) string {
	var of []figures
	for _, list := range tables {
		of = append(of, slices.DeleteFunc(slices.Clone(list), func(f figures) bool { return !f.mode.hasGoals() })...)
	}
	rate := span(of, "%.0f,000", func(f figures) float64 { return f.perSecond / 1000 })
	kept := span(of, "%.0f", func(f figures) float64 { return 100 * f.kept })
	kernel := span(of, "%.1f", func(f figures) float64 { return f.kernel })
	own := span(of, "%.1f", func(f figures) float64 { return f.tracer })
	peaks := peaksOf(of)
	maps := slices.Max(append(values(of, func(f figures) float64 { return f.mapsMiB }), 0))
	if rate == "" || kernel == "" || own == "" || peaks == "" {
		return ""
	}
	return fmt.Sprintf("A storm of %s connections a second keeps %s %% of its throughput; a connection takes %s µs of\n"+
		"processor time in the kernel and %s µs in porttrace. That keeps at most %s,\n"+
		"and %.0f MiB of maps in the kernel.",
		rate, kept, kernel, own, peaks, maps)
}

// peaksOf returns the most memory that each mode has taken in any storm: 39 MiB in `report`, 62 MiB in `screen`.
func peaksOf(list []figures) string {
	var parts []string
	for i := range list {
		name := list[i].mode.name
		same := func(f figures) bool { return f.mode.name == name }
		if slices.ContainsFunc(list[:i], same) {
			continue
		}
		own := slices.DeleteFunc(slices.Clone(list), func(f figures) bool { return !same(f) })
		if peaks := values(own, func(f figures) float64 { return f.peakMiB }); len(peaks) > 0 {
			parts = append(parts, fmt.Sprintf("%.0f MiB in `%s`", slices.Max(peaks), name))
		}
	}
	return strings.Join(parts, ", ")
}

// values returns a figure wherever it was measured.
func values(list []figures, figure func(figures) float64) []float64 {
	var measured []float64
	for _, f := range list {
		if value := figure(f); !math.IsNaN(value) {
			measured = append(measured, value)
		}
	}
	return measured
}

// span returns from where to where a figure goes, "" if it was not measured.
func span(list []figures, format string, figure func(figures) float64) string {
	measured := values(list, figure)
	if len(measured) == 0 {
		return ""
	}
	low, high := fmt.Sprintf(format, slices.Min(measured)), fmt.Sprintf(format, slices.Max(measured))
	if low == high {
		return low
	}
	return low + " to " + high
}
