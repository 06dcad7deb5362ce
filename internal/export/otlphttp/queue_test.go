package otlphttp

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// collector is one that can be down, and keeps what it gets.
type collector struct {
	mu   sync.Mutex
	down bool
	got  []string
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.down {
		w.WriteHeader(http.StatusInternalServerError) // another try would not help
		return
	}
	body, _ := io.ReadAll(r.Body)
	c.got = append(c.got, r.URL.Path+" "+string(body))
}

func (c *collector) set(down bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.down = down
}

func (c *collector) all() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Join(c.got, ", ")
}

func newQueue(t *testing.T, url string) (*Queue, func() []string) {
	t.Helper()
	var mu sync.Mutex
	var lines []string
	q, err := NewQueue(t.Context(), url, "", func(line string) {
		mu.Lock()
		defer mu.Unlock()
		lines = append(lines, line)
	}, "logs", "metrics")
	if err != nil {
		t.Fatal(err)
	}
	return q, func() []string {
		mu.Lock()
		defer mu.Unlock()
		return append([]string(nil), lines...)
	}
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("waited in vain: ", what)
		}
	}
}

// One line says that a collector is down, and one that it works again.
func TestQueueSaysOnce(t *testing.T) {
	t.Parallel()
	c := &collector{down: true}
	server := httptest.NewServer(c)
	defer server.Close()
	q, lines := newQueue(t, server.URL+"/otlp")
	ended := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer close(ended)
		q.Run(ctx)
	}()
	logs, metrics := q.Writer("logs"), q.Writer("metrics")
	logs([]byte("a"))
	metrics([]byte("b"))
	logs([]byte("c"))
	eventually(t, "three requests", func() bool { return len(q.waiting) == 0 && len(lines()) == 1 })
	logs([]byte("wait")) // the one before is done when this is taken
	eventually(t, "the fourth", func() bool { return len(q.waiting) == 0 })
	c.set(false)
	logs([]byte("d"))
	eventually(t, "it works", func() bool { return strings.Contains(c.all(), "/otlp/v1/logs d") })
	metrics([]byte("e"))
	cancel()
	<-ended
	if !strings.HasSuffix(c.all(), "/otlp/v1/logs d, /otlp/v1/metrics e") {
		t.Errorf("it has %s", c.all())
	}
	if got := lines(); len(got) != 2 || !strings.Contains(got[0], "500 Internal Server Error") || !strings.Contains(got[1], "works again") {
		t.Errorf("the lines are %q", got)
	}
}

// Nothing waits for a collector: the oldest requests give way, and the end comes.
func TestQueueIsBounded(t *testing.T) {
	t.Parallel()
	c := &collector{}
	server := httptest.NewServer(c)
	defer server.Close()
	q, _ := newQueue(t, server.URL)
	write := q.Writer("logs")
	for i := range 3 * maxQueued {
		if n, err := write([]byte{byte('0' + i)}); n != 1 || err != nil {
			t.Fatal(n, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	q.Run(ctx)
	if got := strings.Split(c.all(), ", "); len(got) != maxQueued || got[0] != "/v1/logs "+string(rune('0'+2*maxQueued)) {
		t.Errorf("%d requests, the first is %q", len(got), got[0])
	}
}

// A collector that answers nothing does not keep the program from its end.
func TestQueueEnds(t *testing.T) {
	t.Parallel()
	block := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-block }))
	defer server.Close()
	defer close(block)
	q, _ := newQueue(t, server.URL)
	q.Writer("logs")([]byte("a"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	q.Run(ctx)
}
