package scrape

import (
	"bytes"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/common/expfmt"
)

const (
	// reuseFor is for how long what was gathered is served again.
	reuseFor = time.Second
	// maxPages is how many forms of it are kept: text, OpenMetrics, protocol buffers, each compressed or not.
	maxPages = 6
)

// pages serves metrics. They are gathered and encoded once in reuseFor for each form, however many ask.
type pages struct {
	views   *Views
	metrics http.Handler
	now     func() time.Time

	mu    sync.Mutex
	began time.Time
	kept  map[form]*page
}

// form is what a client may have: one of few, whatever it asks for.
type form struct {
	format expfmt.Format
	gzip   bool
}

// page is an answer. It is an http.ResponseWriter for the library that makes it.
type page struct {
	head   http.Header
	status int
	body   bytes.Buffer
}

func (p *page) Header() http.Header { return p.head }

func (p *page) WriteHeader(status int) { p.status = status }

func (p *page) Write(b []byte) (int, error) { return p.body.Write(b) }

func newPages(views *Views, from prometheus.Gatherer, now func() time.Time) *pages {
	return &pages{
		views: views, now: now, kept: map[form]*page{},
		metrics: promhttp.HandlerFor(from, promhttp.HandlerOpts{
			EnableOpenMetrics: true, OfferedCompressions: []promhttp.Compression{promhttp.Identity, promhttp.Gzip},
		}),
	}
}

func (p *pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !p.views.Await(r.Context()) {
		http.Error(w, "there is nothing to show yet: the tracing has not begun", http.StatusServiceUnavailable)
		return
	}
	page := p.page(r)
	maps.Copy(w.Header(), page.head)
	w.WriteHeader(page.status)
	_, _ = w.Write(page.body.Bytes()) // a client that is gone misses nothing
}

// page returns the answer to a request, which is made if there is none that is new enough.
func (p *pages) page(r *http.Request) *page {
	f := form{expfmt.NegotiateAccept(r.Header, expfmt.DefaultOpenMetricsAcceptedFormats()...), strings.Contains(r.Header.Get("Accept-Encoding"), "gzip")}
	p.mu.Lock()
	defer p.mu.Unlock()
	if now := p.now(); now.Sub(p.began) >= reuseFor {
		clear(p.kept)
		p.began = now
	}
	if kept := p.kept[f]; kept != nil {
		return kept
	}
	if len(p.kept) >= maxPages {
		clear(p.kept)
	}
	ask := r.Clone(r.Context())
	ask.Header = http.Header{"Accept": r.Header["Accept"], "Accept-Encoding": {"identity"}}
	if f.gzip {
		ask.Header.Set("Accept-Encoding", "gzip")
	}
	made := &page{head: http.Header{}, status: http.StatusOK}
	p.metrics.ServeHTTP(made, ask)
	if made.status == http.StatusOK {
		p.kept[f] = made
	}
	return made
}
