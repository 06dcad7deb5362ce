// Package metrics is the Prometheus view: what porttrace serve exposes, as docs/metrics.md lists it.
//
// A Meter counts the events of the stream, so that its counters grow whatever rows a snapshot has
// given up. A Collector makes series of a View: one snapshot, and what the Meter has counted by then.
// Both choose what is listed by itself so that it does not come and go (meter.go, places.go).
package metrics

import (
	"runtime"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/porttrace/porttrace/internal/doctor"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// Defaults of the bounds, and the highest: a snapshot has no more port spaces.
const (
	DefaultSpaces = 100
	DefaultOwners = 50
	MaxSpaces     = 1000
	MaxOwners     = 1000
)

// View is what one scrape shows. It does not change any more.
type View struct {
	*snapshot.Snapshot
	Counts *Counts
	Ring   *bool // whether the flight recorder writes its files, nil: there is none
}

// Collector makes series of the View that was set last; none before the first. It is safe for use by
// several goroutines.
type Collector struct {
	info []*sample

	mu         sync.Mutex
	view       *View
	spaces     *places[snapshot.SpaceID, snapshot.PortSpace]
	namespaces *places[uint32, snapshot.Namespace]
	exhausted  map[snapshot.SpaceID]*growth
	health     health
}

// NewCollector returns a Collector that lists as many port spaces, and as many namespaces, by
// themselves. version is that of the program.
func NewCollector(spaces int, version string) *Collector {
	return &Collector{
		info:       []*sample{buildInfo.of(1, label{"version", text(version)}, label{"goversion", runtime.Version()})},
		spaces:     newSpacePlaces(spaces),
		namespaces: newNamespacePlaces(spaces),
		exhausted:  map[snapshot.SpaceID]*growth{},
	}
}

// Set makes the view the one that is shown.
func (c *Collector) Set(view *View) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.view = view
}

// Describe sends no descriptor: which series there are depends on what the host does.
func (c *Collector) Describe(chan<- *prometheus.Desc) {}

// Collect sends all series.
func (c *Collector) Collect(to chan<- prometheus.Metric) {
	for _, s := range c.series() {
		to <- s
	}
}

func (c *Collector) series() []*sample {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := series{list: append([]*sample(nil), c.info...)}
	if c.view == nil {
		return out.list
	}
	s := c.view.Snapshot
	c.addSpaces(&out, s)
	c.addNamespaces(&out, s)
	out.addCalls(s, c.view.Counts)
	out.addFindings(doctor.Judge(s))
	out.addSignals(s.Signals)
	c.health.add(&out, s)
	if ring := c.view.Ring; ring != nil {
		out.addFlag(ringWriting, *ring)
	}
	return out.list
}
