package metrics

import (
	"bytes"
	"compress/gzip"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// manySpaces is a snapshot with that many port spaces, each with ports in every state and a forecast.
func manySpaces(n int) *View {
	s := &snapshot.Snapshot{At: second}
	for i := range n {
		row := spaceOf(uint16(1024+i), 100+i%800)
		row.NetnsName, row.TimeWait, row.Wanted, row.Sustainable = "shop", i%90, 12.25, 471.5
		row.Remote.Addr[15], row.Remote.Addr[14] = byte(i), byte(i>>8)
		row.Forecast = snapshot.Forecast{Known: true, ETA: 1e11, Low: 9e10}
		s.PortSpaces = append(s.PortSpaces, row)
	}
	return &View{Snapshot: s, Counts: NewMeter(DefaultOwners).Counts()}
}

// scrapeSize gathers and encodes what a scrape gets: in plain text, and compressed.
func scrapeSize(t testing.TB, registry *prometheus.Registry) (plain, compressed int) {
	var out, packed bytes.Buffer
	list, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range list {
		if _, err := expfmt.MetricFamilyToText(&out, f); err != nil {
			t.Fatal(err)
		}
	}
	w := gzip.NewWriter(&packed)
	if _, err := w.Write(out.Bytes()); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	return out.Len(), packed.Len()
}

func registryOf(view *View, spaces int) *prometheus.Registry {
	c := NewCollector(spaces, "1")
	c.Set(view)
	registry := prometheus.NewRegistry()
	registry.MustRegister(c)
	return registry
}

// TestScrapeSize: with the defaults a scrape of a host with 10,000 port spaces is at most 1 MiB of plain text.
func TestScrapeSize(t *testing.T) {
	t.Parallel()
	plain, compressed := scrapeSize(t, registryOf(manySpaces(10_000), DefaultSpaces))
	if plain > 1<<20 || plain < 10_000 {
		t.Errorf("%d bytes, %d compressed", plain, compressed)
	}
}

// BenchmarkScrape is what a scrape costs of a host with 10,000 port spaces, of which some are listed. A snapshot has
// the 1,000 fullest; more are only here.
func BenchmarkScrape(b *testing.B) {
	for _, bench := range []struct {
		name           string
		spaces, listed int
	}{{"default", 10_000, DefaultSpaces}, {"most", 1000, MaxSpaces}, {"all", 10_000, 10_000}} {
		b.Run(bench.name, func(b *testing.B) {
			view := manySpaces(bench.spaces)
			registry := registryOf(view, bench.listed)
			plain, compressed := 0, 0
			for b.Loop() {
				view.At += event.Time(1e9)
				plain, compressed = scrapeSize(b, registry)
			}
			b.ReportMetric(float64(plain), "bytes")
			b.ReportMetric(float64(compressed), "gzip-bytes")
		})
	}
}
