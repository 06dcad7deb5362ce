package record

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/pipeline"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// specimen is what a recording has held since it was made.
type specimen struct {
	version  uint8
	kernel   string
	signals  string
	opens    uint64
	closes   uint64
	connects uint64 // that failed
	binds    uint64 // that failed
	spaces   string // the fullest, and how full; the first recordings have no port range
}

// specimens are never made again: later versions must read what earlier ones wrote.
var specimens = map[string]specimen{
	"v1-exact-6.12.ptrace": {
		version: 1, kernel: "6.12.117+deb12-cloud-amd64", opens: 572, closes: 1024, connects: 2678, binds: 66,
		signals: "states exact, cookie exact, connect exact, syn_sent exact, connect_errors exact, bind exact, time_wait inferred",
		spaces:  "connect 10.99.0.1:80: 0 of 0",
	},
	"v1-inferred-6.18.ptrace": {
		version: 1, kernel: "6.18.44-fc-v669", opens: 572, closes: 1024, connects: 2693, binds: 67,
		signals: "states exact, cookie exact, connect inferred, syn_sent exact, connect_errors off, bind inferred, time_wait inferred",
		spaces:  "connect 10.99.0.1:80: 0 of 0",
	},
	"v1-spaces-exact-6.12.ptrace": {
		version: 1, kernel: "6.12.117+deb13-cloud-amd64", opens: 572, closes: 1024, connects: 2700, binds: 66,
		signals: "states exact, cookie exact, connect exact, syn_sent exact, connect_errors exact, bind exact, autobind exact, census exact, time_wait inferred",
		spaces:  "connect 10.99.0.1:80: 256 of 256",
	},
	"v1-spaces-inferred-6.18.ptrace": {
		version: 1, kernel: "6.18.15+deb13-cloud-amd64", opens: 572, closes: 1024, connects: 2701, binds: 66,
		signals: "states exact, cookie exact, connect inferred, syn_sent exact, connect_errors off, bind inferred, autobind off, census exact, time_wait inferred",
		spaces:  "connect 10.99.0.1:80: 256 of 256",
	},
}

func TestVersions(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/versions/*")
	if err != nil {
		t.Fatal(err)
	}
	var seen [Version + 1]bool
	for _, file := range files {
		want, ok := specimens[filepath.Base(file)]
		if !ok {
			t.Errorf("%s: nothing is known of it", file)
			continue
		}
		if got := readSpecimen(t, file); got != want {
			t.Errorf("%s: got %+v, want %+v", file, got, want)
		}
		seen[want.version] = true
	}
	for v := 1; v <= Version; v++ {
		if !seen[v] {
			t.Errorf("version %d has no file", v)
		}
	}
}

func readSpecimen(t *testing.T, name string) specimen {
	t.Helper()
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	r := reader(t, raw)
	last, err := pipeline.Aggregate(t.Context(), r, pipeline.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if gaps := r.Gaps(); len(gaps) > 0 || !last.Complete() {
		t.Errorf("%s is not whole: %v", name, gaps)
	}
	return specimen{
		version: raw[len(marker)], kernel: last.Host.Kernel, signals: modes(last.Signals),
		opens: last.Totals.Opens, closes: last.Totals.Closes(),
		connects: last.Totals.ConnectFailures, binds: last.Totals.BindFailures, spaces: fullest(last),
	}
}

func fullest(s *snapshot.Snapshot) string {
	if len(s.PortSpaces) == 0 {
		return ""
	}
	p := &s.PortSpaces[0]
	return fmt.Sprintf("%s %s: %d of %d", p.Kind, p.Remote, p.InUse(), p.Capacity)
}

func modes(signals event.Signals) string {
	var list []string
	for _, s := range signals {
		list = append(list, fmt.Sprint(s.Name, " ", s.Mode))
	}
	return strings.Join(list, ", ")
}
