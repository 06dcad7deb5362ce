package export

import (
	"bytes"
	"math"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	commonv1 "go.opentelemetry.io/proto/slim/otlp/common/v1"
	metrics "go.opentelemetry.io/proto/slim/otlp/metrics/v1"
	"google.golang.org/protobuf/encoding/protojson"
)

// TestOTLPMetrics: the types that OpenTelemetry generates read the request, and have what was gathered.
func TestOTLPMetrics(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	counter := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "calls_total", Help: "Calls."}, []string{"program"})
	gauge := prometheus.NewGauge(prometheus.GaugeOpts{Name: "ports", Help: "Ports."})
	histogram := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "search_seconds", Buckets: []float64{1, 2}, NativeHistogramBucketFactor: 1.1})
	summary := prometheus.NewSummary(prometheus.SummaryOpts{Name: "pause_seconds", Objectives: map[float64]float64{0.5: 0.1}})
	registry.MustRegister(counter, gauge, histogram, summary)
	counter.WithLabelValues("näme").Add(7)
	gauge.Set(math.Inf(1))
	for _, v := range []float64{0.5, 1.5, 1.5, 9} {
		histogram.Observe(v)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	began, now := time.Unix(100, 0), time.Unix(160, 5)
	body, err := OTLPMetrics(families, "shop-1", "v1", began, now)
	if err != nil || bytes.ContainsFunc(body, func(r rune) bool { return r > '~' }) {
		t.Fatalf("%v: %s", err, body)
	}
	var request metrics.MetricsData // has the same fields as an ExportMetricsServiceRequest
	if err := protojson.Unmarshal(body, &request); err != nil {
		t.Fatal(err)
	}
	got := map[string]*metrics.Metric{}
	for _, m := range request.ResourceMetrics[0].ScopeMetrics[0].Metrics {
		got[m.Name] = m
	}
	sum := got["calls_total"].GetSum()
	if p := sum.DataPoints[0]; !sum.IsMonotonic || sum.AggregationTemporality != metrics.AggregationTemporality_AGGREGATION_TEMPORALITY_CUMULATIVE ||
		p.GetAsDouble() != 7 || valueOf(p.Attributes, "program") != "näme" || p.StartTimeUnixNano != 100e9 || p.TimeUnixNano != 160e9+5 {
		t.Errorf("the counter is %v", sum)
	}
	if p := got["ports"].GetGauge().DataPoints[0]; !math.IsInf(p.GetAsDouble(), 1) || got["ports"].Description != "Ports." {
		t.Errorf("the gauge is %v", p)
	}
	if h := got["search_seconds"].GetHistogram().DataPoints[0]; h.Count != 4 || h.GetSum() != 12.5 || len(h.ExplicitBounds) != 2 ||
		len(h.BucketCounts) != 3 || h.BucketCounts[0] != 1 || h.BucketCounts[1] != 2 || h.BucketCounts[2] != 1 {
		t.Errorf("the histogram is %v", h)
	}
	if q := got["pause_seconds"].GetSummary().DataPoints[0].QuantileValues; len(q) != 1 || q[0].Quantile != 0.5 || !math.IsNaN(q[0].Value) {
		t.Errorf("the quantiles are %v", q)
	}
	if host := valueOf(request.ResourceMetrics[0].Resource.Attributes, "host.name"); host != "shop-1" {
		t.Errorf("the host is %q", host)
	}
}

func valueOf(list []*commonv1.KeyValue, key string) string {
	for _, a := range list {
		if a.Key == key {
			return a.Value.GetStringValue()
		}
	}
	return ""
}
