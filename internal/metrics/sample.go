package metrics

import (
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// label is a name with its value.
type label struct{ name, value string }

// labels are sorted by name, and shared by all series that have them.
type labels []*dto.LabelPair

func labelsOf(list ...label) labels {
	pairs := make(labels, 0, len(list))
	for i := range list {
		pairs = append(pairs, &dto.LabelPair{Name: &list[i].name, Value: &list[i].value})
	}
	slices.SortFunc(pairs, func(a, b *dto.LabelPair) int { return strings.Compare(*a.Name, *b.Name) })
	return pairs
}

// with returns the labels and some more.
func (l labels) with(more ...label) labels {
	pairs := append(slices.Clone(l), labelsOf(more...)...)
	slices.SortFunc(pairs, func(a, b *dto.LabelPair) int { return strings.Compare(*a.Name, *b.Name) })
	return pairs
}

// family is the series of one name.
type family struct {
	desc    *prometheus.Desc
	counter bool
}

func gauge(name, help string, names ...string) *family {
	return &family{desc: prometheus.NewDesc("porttrace_"+name, help, names, nil)}
}

func counter(name, help string, names ...string) *family {
	return &family{desc: prometheus.NewDesc("porttrace_"+name+"_total", help, names, nil), counter: true}
}

// sample is one series with its value: a prometheus.Metric that shares its labels with others.
type sample struct {
	*family
	labels labels
	value  float64
}

func (f *family) of(value float64, list ...label) *sample { return f.with(labelsOf(list...), value) }

func (f *family) with(l labels, value float64) *sample { return &sample{f, l, value} }

// Desc returns the name with its help.
func (s *sample) Desc() *prometheus.Desc { return s.desc }

// Write sets the labels and the value.
func (s *sample) Write(out *dto.Metric) error {
	out.Label = s.labels
	if s.counter {
		out.Counter = &dto.Counter{Value: &s.value}
	} else {
		out.Gauge = &dto.Gauge{Value: &s.value}
	}
	return nil
}

// series is those of one scrape.
type series struct{ list []*sample }

func (s *series) add(f *family, l labels, value float64) { s.list = append(s.list, f.with(l, value)) }

func (s *series) addOf(f *family, value float64, list ...label) {
	s.list = append(s.list, f.of(value, list...))
}
