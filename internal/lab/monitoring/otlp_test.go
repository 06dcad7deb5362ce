package monitoring

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	logsv1 "go.opentelemetry.io/proto/otlp/logs/v1"
	metricsv1 "go.opentelemetry.io/proto/otlp/metrics/v1"
	"google.golang.org/protobuf/proto"

	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/lab/need"
)

const refusedClient = "otlp-refused"

// receiver is an OpenTelemetry collector that adds up what it gets.
type receiver struct {
	mu       sync.Mutex
	down     bool
	asked    int
	failures uint64             // of refusedClient, by log records
	series   map[string]float64 // of the newest request
	err      error
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked++
	if r.down {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	body, err := io.ReadAll(request.Body)
	if err == nil && request.URL.Path == "/v1/logs" {
		var logs logsv1.LogsData
		err = proto.Unmarshal(body, &logs)
		r.addLogs(&logs)
	} else if err == nil {
		var metrics metricsv1.MetricsData
		err = proto.Unmarshal(body, &metrics)
		r.setMetrics(&metrics)
	}
	if err != nil {
		r.err = err
	}
}

func (r *receiver) addLogs(logs *logsv1.LogsData) {
	for _, resource := range logs.ResourceLogs {
		for _, scope := range resource.ScopeLogs {
			for _, record := range scope.LogRecords {
				if record.EventName != "porttrace.connect_fail" || attribute(record.Attributes, "porttrace.program") != refusedClient {
					continue
				}
				count, err := strconv.ParseUint(attribute(record.Attributes, "porttrace.count"), 10, 64)
				if err != nil {
					count = 1
				}
				r.failures += count
			}
		}
	}
}

func (r *receiver) setMetrics(metrics *metricsv1.MetricsData) {
	r.series = map[string]float64{}
	for _, resource := range metrics.ResourceMetrics {
		for _, scope := range resource.ScopeMetrics {
			for _, m := range scope.Metrics {
				for _, p := range append(m.GetGauge().GetDataPoints(), m.GetSum().GetDataPoints()...) {
					labels := map[string]string{}
					for _, a := range p.Attributes {
						labels[a.Key] = a.Value.GetStringValue()
					}
					r.series[seriesName(m.Name, labels)] = p.GetAsDouble()
				}
			}
		}
	}
}

func attribute(list []*commonv1.KeyValue, key string) string {
	for _, a := range list {
		if a.Key == key {
			if n, ok := a.Value.Value.(*commonv1.AnyValue_IntValue); ok {
				return strconv.FormatInt(n.IntValue, 10)
			}
			return a.Value.GetStringValue()
		}
	}
	return ""
}

// seriesName is the same for both formats: an empty label is none.
func seriesName(metric string, labels map[string]string) string {
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		if labels[name] != "" {
			pairs = append(pairs, name+"="+labels[name])
		}
	}
	return metric + "{" + strings.Join(pairs, ",") + "}"
}

// scraped returns the gauges and counters that Prometheus would get.
func scraped(t *testing.T, address string) map[string]float64 {
	t.Helper()
	body, err := get("http://" + address + "/metrics")
	noError(t, err)
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(body))
	noError(t, err)
	series := map[string]float64{}
	for name, family := range families {
		for _, m := range family.Metric {
			if m.Histogram != nil || m.Summary != nil {
				continue
			}
			labels := map[string]string{}
			for _, l := range m.Label {
				labels[l.GetName()] = l.GetValue()
			}
			series[seriesName(name, labels)] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	return series
}

// about returns the series of a namespace and of the client, which do not change once it has ended.
func about(series map[string]float64, inode uint32) map[string]float64 {
	mine := map[string]float64{}
	for name, value := range series {
		if strings.Contains(name, fmt.Sprintf("netns=%d,", inode)) || strings.Contains(name, "program="+refusedClient) {
			mine[name] = value
		}
	}
	return mine
}

// status returns what it has got.
func (r *receiver) status() (asked int, failures uint64, series map[string]float64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.asked, r.failures, r.series
}

func (r *receiver) setDown(down bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.down = down
}

// refusals returns how many connects the series say were refused.
func refusals(series map[string]float64) (sum float64) {
	for name, value := range series {
		if strings.HasPrefix(name, "porttrace_connect_failures_total{") && strings.Contains(name, "errno=ECONNREFUSED") {
			sum += value
		}
	}
	return sum
}

// A collector that is down when serve starts is said once, and gets afterwards the figures that are scraped,
// and a log record of each failure.
func TestOTLP(t *testing.T) {
	need.Root(t, "tracing")
	need.BTF(t)
	const failures = 300
	r := &receiver{down: true}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	n, err := lab.NewNetns()
	noError(t, err)
	t.Cleanup(func() { noError(t, n.Close()) })
	t.Setenv("OTEL_METRIC_EXPORT_INTERVAL", "500")
	p, address := startServe(t, "--otlp", server.URL)
	p.await(t, "it says that the collector is down", func() bool { return strings.Contains(p.said.String(), "500 Internal Server Error") })
	p.await(t, "further requests", func() bool { asked, _, _ := r.status(); return asked > 3 })
	r.setDown(false)
	p.await(t, "it says that it works again", func() bool { return strings.Contains(p.said.String(), "works again") })

	var result lab.Result
	noError(t, n.Run(refusedClient, &lab.Client{To: []netip.AddrPort{refused}, Count: failures, Rate: 500}, &result))
	if result.ConnectErrors["ECONNREFUSED"] != failures {
		t.Fatalf("the connects failed with %v", result.ConnectErrors)
	}
	p.await(t, "a log record for each failure", func() bool { _, got, _ := r.status(); return got == failures })
	var want, got map[string]float64
	p.await(t, "the metrics of a scrape", func() bool {
		want = about(scraped(t, address), n.Inode())
		_, _, series := r.status()
		got = about(series, n.Inode())
		return refusals(want) == failures && maps.Equal(want, got)
	})
	p.stop(t)
	r.mu.Lock()
	defer r.mu.Unlock()
	noError(t, r.err)
	for _, what := range []string{"sending metrics: ", "sending log records: "} { // a call of the host can fail meanwhile
		if said := strings.Count(p.said.String(), what); said > 1 {
			t.Errorf("it says %d times that the collector is down: %s", said, p.said.String())
		}
	}
	if r.failures != failures {
		t.Errorf("%d log records of %d failures", r.failures, failures)
	}
}
