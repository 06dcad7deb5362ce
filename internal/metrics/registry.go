package metrics

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// Registry returns what a scrape gathers: the series of both, and those of this process and of the Go runtime.
func Registry(c *Collector, m *Meter) prometheus.Gatherer {
	registry := prometheus.NewRegistry()
	registry.MustRegister(c, m.search, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return registry
}
