package metrics

import (
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/incidents/recorded"
	"github.com/porttrace/porttrace/internal/pipeline"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// play runs a recording through the pipeline, and returns what serve would show at its end.
func play(t *testing.T, name string) (*snapshot.Snapshot, *prometheus.Registry) {
	t.Helper()
	source, err := recorded.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	meter := NewMeter(DefaultOwners)
	s, err := pipeline.Aggregate(context.Background(), source, pipeline.Options{
		Tee: meter.Add, AfterBatch: func(now event.Time) error { meter.Advance(now); return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	c := NewCollector(DefaultSpaces, "1.2.3")
	c.Set(&View{Snapshot: s, Counts: meter.Counts()})
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(c, meter.Search())
	return s, registry
}

// TestRecordings: what is served of a recorded incident is what its report says.
func TestRecordings(t *testing.T) {
	t.Parallel()
	for _, incident := range recorded.Incidents() {
		t.Run(incident.Name, func(t *testing.T) {
			t.Parallel()
			s, registry := play(t, incident.Name)
			got := gathered(t, registry)
			for name, want := range map[string]uint64{
				"porttrace_opens_total": s.Totals.Opens, "porttrace_closes_total": s.Totals.Closes(), "porttrace_binds_total": s.Totals.Binds,
				"porttrace_connect_failures_total": s.Totals.ConnectFailures, "porttrace_bind_failures_total": s.Totals.BindFailures,
				"porttrace_time_wait_entered_total": s.Totals.TimeWaitEntered, "porttrace_events_total": s.Health.Events,
				"porttrace_exhausted_calls_total": exhaustedCalls(s), "porttrace_failed_calls_total": s.Totals.ConnectFailures + s.Totals.BindFailures,
			} {
				if sum := got.sum(name); sum != float64(want) {
					t.Errorf("%s is %v, the report has %d", name, sum, want)
				}
			}
			compareSpaces(t, s, got)
			compareFailures(t, s, got)
			checkNames(t, registry)
		})
	}
}

func exhaustedCalls(s *snapshot.Snapshot) (n uint64) {
	for i := range s.Failures {
		if f := &s.Failures[i]; f.Reason == event.RangeExhausted {
			n += f.Count
		}
	}
	return n
}

// compareSpaces checks the figures of every port space.
func compareSpaces(t *testing.T, s *snapshot.Snapshot, got families) {
	if len(s.PortSpaces) == 0 {
		t.Fatal("the recording has no port space")
	}
	for i := range s.PortSpaces {
		p := &s.PortSpaces[i]
		of := map[string]string{}
		for _, pair := range spaceLabels(p) {
			of[pair.GetName()] = pair.GetValue()
		}
		for name, want := range map[string]int{"capacity": p.Capacity, "in_use": p.InUse(), "taken": p.Taken(), "state": p.InUse()} {
			if sum := got.sum("porttrace_port_space_"+name+"_ports", of); sum != float64(want) {
				t.Errorf("%s of %v is %v, want %d", name, of, sum, want)
			}
		}
		if sum := got.sum("porttrace_port_space_exhausted_calls_total", of); sum != float64(p.Exhausted) {
			t.Errorf("%v calls found no port of %v, want %d", sum, of, p.Exhausted)
		}
		holders, _ := p.HoldersByProgram()
		ports, listed := got.find("porttrace_port_space_holder_ports", of)
		soon := p.Forecast.Known && !p.Forecast.Never && p.Forecast.ETA <= time.Hour
		if named := (p.Taken()*2 >= p.Capacity || soon) && p.Capacity > 0 && len(holders) > 0; listed != named || named && ports != float64(holders[0].Ports()) {
			t.Errorf("the program with most ports of %v has %v (%t), want it: %t", of, ports, listed, named)
		}
		eta, known := got.find("porttrace_port_space_exhaustion_seconds", of)
		if full := p.IsFull(); full && (!known || eta != 0) || p.Forecast.Never && !full && known {
			t.Errorf("%v will be full in %v s (%t), full %t, never %t", of, eta, known, full, p.Forecast.Never)
		}
	}
}

// compareFailures checks the failures by errno and reason.
func compareFailures(t *testing.T, s *snapshot.Snapshot, got families) {
	want := map[failureKey]uint64{}
	for i := range s.Failures {
		f := &s.Failures[i]
		want[failureKey{f.Op, f.Errno, f.Reason}] += f.Count
	}
	for key, count := range want {
		name, of := "porttrace_connect_failures_total", map[string]string{"errno": key.errno.String(), "reason": key.reason.String()}
		if key.op != event.OpConnect {
			name, of["op"] = "porttrace_bind_failures_total", key.op.String()
		}
		if sum := got.sum(name, of); sum != float64(count) {
			t.Errorf("%s of %v is %v, want %d", name, of, sum, count)
		}
	}
}

// checkNames checks names, help and units as Prometheus wants them.
func checkNames(t *testing.T, registry *prometheus.Registry) {
	problems, err := testutil.GatherAndLint(registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		return // the same rules as those of the library above
	}
	cmd := exec.Command(promtool, "check", "metrics")
	cmd.Stdin = strings.NewReader(exposition(t, registry))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("promtool: %v\n%s", err, out)
	}
}

// exposition returns what a server of 2023 would get.
func exposition(t testing.TB, registry *prometheus.Registry) string {
	t.Helper()
	var out strings.Builder
	list, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range list {
		if _, err := expfmt.MetricFamilyToText(&out, f); err != nil {
			t.Fatal(err)
		}
	}
	return out.String()
}

// families are gathered metrics by name.
type families map[string]*dto.MetricFamily

func gathered(t testing.TB, registry *prometheus.Registry) families {
	t.Helper()
	list, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	byName := families{}
	for _, f := range list {
		byName[f.GetName()] = f
	}
	return byName
}

// each calls a function with the value of each series that has the labels.
func (f families) each(name string, of map[string]string, call func(float64)) {
	for _, m := range f[name].GetMetric() {
		matched := 0
		for _, pair := range m.GetLabel() {
			if want, ok := of[pair.GetName()]; ok && want == pair.GetValue() {
				matched++
			}
		}
		if matched == len(of) {
			call(m.GetCounter().GetValue() + m.GetGauge().GetValue())
		}
	}
}

// sum returns the sum of all series that have the labels.
func (f families) sum(name string, of ...map[string]string) (sum float64) {
	all := map[string]string{}
	for _, labels := range of {
		all = labels
	}
	f.each(name, all, func(v float64) { sum += v })
	return sum
}

// find returns the value of a series.
func (f families) find(name string, of map[string]string) (value float64, found bool) {
	f.each(name, of, func(v float64) { value, found = v, true })
	return value, found
}
