package otlphttp

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/porttrace/porttrace/internal/export"
)

// Each record is sent once, with the host that it is of, up to 512 in a request.
func TestPoster(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "api-key=a%20b")
	c, url := newCollector(t, http.StatusOK)
	p, err := NewPoster(t.Context(), url, "v1")
	if err != nil {
		t.Fatal(err)
	}
	for range 2*export.OTLPBatch + 1 {
		if err := p.Write(failure, about); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Write(failure, export.Context{Host: "shop-2"}); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second has nothing to send
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
	}
	records, _ := c.records()
	if c.asked != 3 || records != 2*export.OTLPBatch+2 || !c.hosts["shop-1"] || !c.hosts["shop-2"] {
		t.Errorf("%d requests have %d records of %v", c.asked, records, c.hosts)
	}
	if len(c.keys) != 1 || !c.keys["a b"] {
		t.Errorf("the keys are %v", c.keys)
	}
}

func TestPosterFails(t *testing.T) {
	t.Parallel()
	down := httptest.NewServer(http.NotFoundHandler())
	down.Close()
	_, refusing := newCollector(t, http.StatusForbidden)
	for url, want := range map[string]string{
		down.URL + "/own/path": "/own/path", refusing: "/v1/logs: 403 Forbidden (body: (empty))",
	} {
		p, err := NewPoster(t.Context(), url, "v1")
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Write(failure, about); err != nil {
			t.Fatal(err)
		}
		if err := p.Close(); err == nil || strings.Count(err.Error(), want) != 1 {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestPosterInterrupted(t *testing.T) {
	t.Parallel()
	_, url := newCollector(t, http.StatusServiceUnavailable)
	ctx, cancel := context.WithCancel(t.Context())
	p, err := NewPoster(ctx, url, "v1")
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := p.Write(failure, about); err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err == nil || !strings.HasSuffix(err.Error(), ": interrupted") {
		t.Error(err)
	}
}
