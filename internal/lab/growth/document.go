package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/porttrace/porttrace/internal/lab/performance"
)

// growthPart is the part of the document that this command writes.
const growthPart = "growth"

// document writes the pictures, and the tables with links to them.
func document(cfg config, charts []chart) error {
	if cfg.curves != "" {
		for i := range charts {
			file := filepath.Join(cfg.curves, charts[i].name+".svg")
			if err := os.WriteFile(file, []byte(charts[i].svg()), 0o644); err != nil {
				return err
			}
		}
	}
	if cfg.doc == "" {
		return nil
	}
	host, err := performance.Host()
	if err != nil {
		return err
	}
	text := fmt.Sprintf("\n%s, porttrace %s. %s.\n\n%s\n%s\n\n%s",
		time.Now().UTC().Format(time.DateOnly), cfg.version, host, table(charts), conclusion(charts), cfg.pictures(charts))
	return performance.ReplaceIn(cfg.doc, growthPart, text)
}

// table returns each series in a line.
func table(charts []chart) string {
	lines := [][]string{{"cost", "of", "from", "to", "cost at first", "cost at last", "grows with", "steepest"}}
	for _, c := range charts {
		for _, s := range c.lines {
			first, last := s.points[0], s.points[len(s.points)-1]
			k, from := s.steepest()
			lines = append(lines, []string{
				c.name, s.name, size(first.size), size(last.size), cost(first.cost, c.unit), cost(last.cost, c.unit),
				fmt.Sprintf("n^%.2f", exponent(s.points)), fmt.Sprintf("n^%.2f from %s", k, size(from)),
			})
		}
	}
	return performance.Table(lines)
}

func size(n float64) string { return fmt.Sprintf("%.0f", n) }

// cost returns a figure with three digits that count.
func cost(value float64, unit string) string {
	if value >= 1000 {
		return fmt.Sprintf("%.0f %s", value, unit)
	}
	return fmt.Sprintf("%.3g %s", value, unit)
}

// conclusion says what grows faster than n log n.
func conclusion(charts []chart) string {
	var list []string
	for _, c := range charts {
		for _, s := range c.lines {
			if s.beyond(c.one) {
				list = append(list, fmt.Sprintf("%s with %s", c.name, s.name))
			}
		}
	}
	if list == nil {
		return "Nothing grows faster than n log n, the time of one event not faster than log n."
	}
	return "Faster than n log n, or of one event than log n: " + strings.Join(list, ", ") + "."
}

// pictures returns the lines that show the pictures, beside the document.
func (c config) pictures(charts []chart) string {
	if c.curves == "" {
		return ""
	}
	folder, err := filepath.Rel(filepath.Dir(c.doc), c.curves)
	if err != nil {
		folder = c.curves
	}
	var b strings.Builder
	for _, chart := range charts {
		fmt.Fprintf(&b, "![%s](%s)\n", chart.title, filepath.ToSlash(filepath.Join(folder, chart.name+".svg")))
	}
	return b.String()
}
