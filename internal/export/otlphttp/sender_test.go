package otlphttp

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// lines are what was said.
type lines struct {
	mu   sync.Mutex
	list []string
}

func (l *lines) add(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = append(l.list, line)
}

func (l *lines) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.list...)
}

func newSender(t *testing.T, url string) (*Sender, *lines) {
	t.Helper()
	said := &lines{}
	s, err := NewSender(t.Context(), url, "shop-1", "v1", said.add)
	if err != nil {
		t.Fatal(err)
	}
	return s, said
}

// figures are a counter of 7, and a native histogram of one value.
func figures() prometheus.Gatherer {
	registry := prometheus.NewPedanticRegistry()
	calls := prometheus.NewCounter(prometheus.CounterOpts{Name: "calls_total"})
	calls.Add(7)
	search := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "search_seconds", NativeHistogramBucketFactor: 1.1, Buckets: []float64{1}})
	search.Observe(2)
	registry.MustRegister(calls, search)
	return registry
}

// run runs the Sender, and returns what ends it.
func run(t *testing.T, s *Sender, from prometheus.Gatherer) (end func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.Run(ctx, from)
	}()
	return func() {
		cancel()
		<-ended
	}
}

// Metrics are sent at once, and what waits at the end.
func TestSender(t *testing.T) {
	t.Parallel()
	c, url := newCollector(t, http.StatusOK)
	s, said := newSender(t, url+"/otlp")
	end := run(t, s, figures())
	eventually(t, "the metrics", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.values["calls_total"] == 7 && c.values["search_seconds"] == 1 && len(c.values) == 2
	})
	for range 3 {
		if err := s.Write(failure, about); err != nil {
			t.Fatal(err)
		}
	}
	end()
	if records, _ := c.records(); records != 3 || !c.hosts["shop-1"] {
		t.Errorf("%d records of %v", records, c.hosts)
	}
	if len(said.all()) != 0 {
		t.Errorf("it says %q", said.all())
	}
}

// One line says that logs cannot be sent, and one that it works again.
func TestSenderSaysOnce(t *testing.T) {
	t.Parallel()
	c, url := newCollector(t, http.StatusInternalServerError) // another try would not help
	s, said := newSender(t, url)
	end := run(t, s, prometheus.NewPedanticRegistry()) // there are no metrics
	for asked := range 3 {
		if err := s.Write(failure, about); err != nil {
			t.Fatal(err)
		}
		eventually(t, "a request", func() bool {
			c.mu.Lock()
			defer c.mu.Unlock()
			return c.asked > asked
		})
	}
	c.set(http.StatusOK)
	if err := s.Write(failure, about); err != nil {
		t.Fatal(err)
	}
	end()
	if got := said.all(); len(got) != 2 || !strings.Contains(got[0], "/v1/logs: 500 Internal Server Error") ||
		got[1] != "sending log records works again. Requests that failed: 3; their records are lost, and the oldest of those that waited, if too many did" {
		t.Errorf("the lines are %q", got)
	}
}

// A collector that answers nothing keeps neither events nor the end waiting.
func TestSenderEnds(t *testing.T) {
	t.Parallel()
	block := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-block }))
	defer server.Close()
	defer close(block)
	s, _ := newSender(t, server.URL)
	end := run(t, s, figures())
	for range 3 * 2048 {
		if err := s.Write(failure, about); err != nil {
			t.Fatal(err)
		}
	}
	end()
}

func TestInterval(t *testing.T) {
	for text, good := range map[string]bool{"500": true, "0": false, "1s": false, "-1": false} {
		t.Setenv(intervalVariable, text)
		s, err := NewSender(t.Context(), "http://127.0.0.1:1", "shop-1", "v1", nil)
		if (err == nil) != good || good && s.every != 500*time.Millisecond {
			t.Errorf("%q: %v", text, err)
		}
	}
}
