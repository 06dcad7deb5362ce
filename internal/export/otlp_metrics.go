package export

import (
	"encoding/json"
	"math"
	"strconv"
	"time"

	dto "github.com/prometheus/client_model/go"

	"github.com/porttrace/porttrace/internal/printable"
)

// The messages of OpenTelemetry's metrics, as those of its logs. The exporters of its SDK would make the
// program 3.6 MB larger (they link gRPC), its generated types alone 2.5 MB.
type (
	otlpMetricsRequest struct {
		ResourceMetrics []otlpResourceMetrics `json:"resourceMetrics"`
	}
	otlpResourceMetrics struct {
		Resource     otlpResource       `json:"resource"`
		ScopeMetrics []otlpScopeMetrics `json:"scopeMetrics"`
		SchemaURL    string             `json:"schemaUrl"`
	}
	otlpScopeMetrics struct {
		Scope   otlpScope    `json:"scope"`
		Metrics []otlpMetric `json:"metrics"`
	}
	otlpMetric struct {
		Name        string         `json:"name"`
		Description string         `json:"description"`
		Gauge       *otlpPoints    `json:"gauge,omitempty"`
		Sum         *otlpSum       `json:"sum,omitempty"`
		Histogram   *otlpHistogram `json:"histogram,omitempty"`
		Summary     *otlpPoints    `json:"summary,omitempty"`
	}
	otlpPoints struct {
		Points []otlpPoint `json:"dataPoints"`
	}
	otlpSum struct {
		otlpPoints
		Temporality int  `json:"aggregationTemporality"`
		Monotonic   bool `json:"isMonotonic"`
	}
	otlpHistogram struct {
		otlpPoints
		Temporality int `json:"aggregationTemporality"`
	}
	// otlpPoint is that of a number, histogram or summary: what it lacks is left out.
	otlpPoint struct {
		Attributes []otlpAttribute `json:"attributes,omitempty"`
		Start      string          `json:"startTimeUnixNano,omitempty"`
		Time       string          `json:"timeUnixNano"`
		Value      *otlpDouble     `json:"asDouble,omitempty"`
		Count      string          `json:"count,omitempty"`
		Sum        *otlpDouble     `json:"sum,omitempty"`
		Buckets    []string        `json:"bucketCounts,omitempty"`
		Bounds     []otlpDouble    `json:"explicitBounds,omitempty"`
		Quantiles  []otlpQuantile  `json:"quantileValues,omitempty"`
	}
	otlpQuantile struct {
		Quantile otlpDouble `json:"quantile"`
		Value    otlpDouble `json:"value"`
	}
	otlpDouble float64
)

// cumulative: a count is since the start.
const cumulative = 2

// MarshalJSON writes what is no number of JSON as OpenTelemetry has it.
func (d otlpDouble) MarshalJSON() ([]byte, error) {
	switch f := float64(d); {
	case math.IsNaN(f):
		return []byte(`"NaN"`), nil
	case math.IsInf(f, 1):
		return []byte(`"Infinity"`), nil
	case math.IsInf(f, -1):
		return []byte(`"-Infinity"`), nil
	default:
		return json.Marshal(f)
	}
}

// OTLPMetrics returns gathered metrics as an ExportMetricsServiceRequest, a line of JSON in ASCII: under their
// own names, each series a data point. Counts are since began. version is that of porttrace.
func OTLPMetrics(families []*dto.MetricFamily, host, version string, began, now time.Time) ([]byte, error) {
	c := otlpConverter{start: nanos(began), now: nanos(now)}
	var list []otlpMetric
	for _, f := range families {
		list = append(list, c.metric(f))
	}
	request := otlpMetricsRequest{[]otlpResourceMetrics{{
		Resource: newOTLPResource(host, version), SchemaURL: otlpSchema,
		ScopeMetrics: []otlpScopeMetrics{{otlpScope{"porttrace", version}, list}},
	}}}
	line, err := json.Marshal(&request)
	return printable.JSON(line), err
}

func nanos(t time.Time) string { return strconv.FormatInt(t.UnixNano(), 10) }

// otlpConverter has the times of all points.
type otlpConverter struct{ start, now string }

func (c *otlpConverter) metric(f *dto.MetricFamily) otlpMetric {
	var points otlpPoints
	for _, m := range f.GetMetric() {
		points.Points = append(points.Points, c.point(f.GetType(), m))
	}
	out := otlpMetric{Name: f.GetName(), Description: f.GetHelp()}
	switch f.GetType() {
	case dto.MetricType_COUNTER:
		out.Sum = &otlpSum{points, cumulative, true}
	case dto.MetricType_HISTOGRAM:
		out.Histogram = &otlpHistogram{points, cumulative}
	case dto.MetricType_SUMMARY:
		out.Summary = &points
	default:
		out.Gauge = &points
	}
	return out
}

func (c *otlpConverter) point(kind dto.MetricType, m *dto.Metric) otlpPoint {
	p := otlpPoint{Time: c.now, Start: c.start}
	var attributes otlpAttributes
	for _, l := range m.GetLabel() {
		attributes = attributes.text(l.GetName(), l.GetValue())
	}
	p.Attributes = attributes
	switch kind {
	case dto.MetricType_COUNTER:
		p.Value = new(otlpDouble(m.GetCounter().GetValue()))
	case dto.MetricType_HISTOGRAM:
		p.addHistogram(m.GetHistogram())
	case dto.MetricType_SUMMARY:
		s := m.GetSummary()
		p.Count, p.Sum = strconv.FormatUint(s.GetSampleCount(), 10), new(otlpDouble(s.GetSampleSum()))
		for _, q := range s.GetQuantile() {
			p.Quantiles = append(p.Quantiles, otlpQuantile{otlpDouble(q.GetQuantile()), otlpDouble(q.GetValue())})
		}
	default:
		p.Start = ""
		p.Value = new(otlpDouble(m.GetGauge().GetValue() + m.GetUntyped().GetValue()))
	}
	return p
}

// addHistogram takes the classic buckets, whose counts are cumulative.
func (p *otlpPoint) addHistogram(h *dto.Histogram) {
	p.Count, p.Sum = strconv.FormatUint(h.GetSampleCount(), 10), new(otlpDouble(h.GetSampleSum()))
	before := uint64(0)
	for _, b := range h.GetBucket() {
		if math.IsInf(b.GetUpperBound(), 1) {
			continue
		}
		p.Bounds = append(p.Bounds, otlpDouble(b.GetUpperBound()))
		p.Buckets = append(p.Buckets, strconv.FormatUint(b.GetCumulativeCount()-before, 10))
		before = b.GetCumulativeCount()
	}
	p.Buckets = append(p.Buckets, strconv.FormatUint(h.GetSampleCount()-before, 10))
}
