package otlphttp

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	logsv1 "go.opentelemetry.io/proto/otlp/logs/v1"
	metricsv1 "go.opentelemetry.io/proto/otlp/metrics/v1"
	"google.golang.org/protobuf/proto"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/export"
)

// failure is an event, and about what is known of its host.
var (
	failure = &event.Event{Kind: event.ConnectFail, Errno: 111}
	about   = export.Context{Host: "shop-1"}
)

// collector is one that can be down, and keeps what it gets.
type collector struct {
	t      *testing.T
	mu     sync.Mutex
	status int // that it answers
	asked  int
	logs   []int // records of each request
	hosts  map[string]bool
	keys   map[string]bool // that requests have had
	values map[string]float64
}

func newCollector(t *testing.T, status int) (*collector, string) {
	t.Helper()
	c := &collector{t: t, status: status, hosts: map[string]bool{}, keys: map[string]bool{}, values: map[string]float64{}}
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	return c, server.URL
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked++
	c.keys[r.Header.Get("Api-Key")] = true
	if c.status != http.StatusOK {
		w.WriteHeader(c.status)
		return
	}
	body, err := io.ReadAll(r.Body)
	switch {
	case err != nil:
	case strings.HasSuffix(r.URL.Path, "/v1/logs"):
		err = c.addLogs(body)
	case strings.HasSuffix(r.URL.Path, "/v1/metrics"):
		err = c.addMetrics(body)
	default:
		c.t.Errorf("a request to %s", r.URL)
	}
	if err != nil {
		c.t.Error(err)
	}
}

func (c *collector) addLogs(body []byte) error {
	var request logsv1.LogsData // has the same fields as an ExportLogsServiceRequest
	if err := proto.Unmarshal(body, &request); err != nil {
		return err
	}
	for _, r := range request.ResourceLogs {
		for _, a := range r.Resource.Attributes {
			if a.Key == "host.name" {
				c.hosts[a.Value.GetStringValue()] = true
			}
		}
		c.logs = append(c.logs, len(r.ScopeLogs[0].LogRecords))
	}
	return nil
}

func (c *collector) addMetrics(body []byte) error {
	var request metricsv1.MetricsData
	if err := proto.Unmarshal(body, &request); err != nil {
		return err
	}
	for _, r := range request.ResourceMetrics {
		for _, s := range r.ScopeMetrics {
			for _, m := range s.Metrics {
				for _, p := range append(m.GetGauge().GetDataPoints(), m.GetSum().GetDataPoints()...) {
					c.values[m.Name] = p.GetAsDouble()
				}
				for _, p := range m.GetExponentialHistogram().GetDataPoints() {
					c.values[m.Name] = float64(p.Count)
				}
			}
		}
	}
	return nil
}

func (c *collector) set(status int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.status = status
}

// records returns how many log records it has got, and in how many requests.
func (c *collector) records() (sum, requests int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, n := range c.logs {
		sum += n
	}
	return sum, len(c.logs)
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("waited in vain: ", what)
		}
	}
}

func TestEndpoint(t *testing.T) {
	t.Parallel()
	for endpoint, good := range map[string]bool{
		"http://localhost:4318": true, "https://h/": true, "http://h/otlp": true,
		"": false, "localhost:4318": false, "ftp://h": false, "http://": false, "http://user:key@h": false, "http://h:x": false,
	} {
		if _, err := parse(endpoint); (err == nil) != good {
			t.Errorf("%q: %v", endpoint, err)
		}
	}
}
