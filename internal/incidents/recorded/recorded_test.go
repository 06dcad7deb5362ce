package recorded

import (
	"flag"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

var update = flag.Bool("update", false, "write README.md again")

// shows has what each moment must show, so that tests and pictures of it are of what its
// description says.
var shows = map[string]func(*snapshot.Snapshot) bool{
	"proxy early": func(s *snapshot.Snapshot) bool { return s.Totals.ConnectFailures == 0 && fullest(s).TimeWait > 300 },
	"proxy worst": func(s *snapshot.Snapshot) bool {
		return fullest(s).TimeWait == fullest(s).Capacity && s.Rates.Failures > 30 && s.Rates.Opens < 10
	},
	"proxy later": func(s *snapshot.Snapshot) bool {
		return fullest(s).IsFull() && s.Rates.Failures > 10 && s.Totals.Opens > 1_500
	},
	"billing early":     leaks,
	"billing worst":     leaked,
	"billing-pid early": leaks,
	"billing-pid worst": func(s *snapshot.Snapshot) bool { return leaked(s) && s.Health.Filtered > 0 && len(s.Processes) == 1 },
	"prices early":      func(s *snapshot.Snapshot) bool { return fullest(s).TimeWait > 100 && s.Totals.ConnectFailures == 0 },
	"prices worst":      func(s *snapshot.Snapshot) bool { return fullest(s).IsFull() && len(s.Processes) > 500 },
	"edge worst": func(s *snapshot.Snapshot) bool {
		return fullest(s).Live+fullest(s).Bound == 200 && fullest(s).Capacity == 1_000 && calm(s)
	},
	"sync early": func(s *snapshot.Snapshot) bool { return s.Totals.BindFailures == 0 && fullest(s).InUse() > 200 },
	"sync worst": func(s *snapshot.Snapshot) bool { return s.Rates.Failures > 20 && s.Totals.BindFailures > 500 },
	"web worst": func(s *snapshot.Snapshot) bool {
		f := s.Failures[0]

		return f.Target.Port == 40740 && f.Reason == event.PortTaken && s.Totals.BindFailures > 20
	},
	"notify early": func(s *snapshot.Snapshot) bool { return s.Totals.ConnectFailures == 0 },
	"notify worst": func(s *snapshot.Snapshot) bool { return s.Totals.SynSent > 20 && s.Totals.ConnectFailures > 100 },
	"crawler worst": func(s *snapshot.Snapshot) bool {
		return len(s.PortSpaces) == 40 && s.Totals.TimeWaitOut > 2_500 && calm(s)
	},
}

func fullest(s *snapshot.Snapshot) *snapshot.PortSpace {
	if len(s.PortSpaces) == 0 {
		return &snapshot.PortSpace{}
	}
	return &s.PortSpaces[0]
}

func calm(s *snapshot.Snapshot) bool { return s.Totals.ConnectFailures+s.Totals.BindFailures == 0 }

// leaks: there is no failure yet, but one is less than a minute away.
func leaks(s *snapshot.Snapshot) bool {
	f := fullest(s)
	return calm(s) && f.CloseWait > 500 && f.Forecast.Known && f.Forecast.ETA.Seconds() < 60 && f.Forecast.ETA > 0
}

func leaked(s *snapshot.Snapshot) bool {
	return fullest(s).IsFull() && fullest(s).CloseWait > 1_900 && s.Rates.Failures > 20
}

func TestMoments(t *testing.T) {
	t.Parallel()
	for _, incident := range Incidents() {
		for _, moment := range incident.Moments {
			name := incident.Name + " " + moment.Name
			s := At(t, incident.Name, moment.Name)
			if shown, ok := shows[name]; !ok || !shown(s) {
				t.Errorf("%s is not %q: %d failures, spaces %+v", name, moment.What, s.Totals.ConnectFailures+s.Totals.BindFailures, fullest(s))
			}
			delete(shows, name)
			if s.Wall.IsZero() || s.Host.Kernel == "" {
				t.Errorf("%s: clock or host are not known", name)
			}
		}
	}
	if len(shows) > 0 {
		t.Errorf("no moments: %v", shows)
	}
}

// TestFilter: a filter applies as on the command line, and the snapshots are kept apart.
func TestFilter(t *testing.T) {
	t.Parallel()
	all, some := At(t, "billing", Worst), At(t, "billing", Worst, "--port=6379")
	if some == all || !some.Filtered || some.Totals.Opens >= all.Totals.Opens || some.Totals.ConnectFailures != 0 {
		t.Errorf("%d of %d opens, %d failures", some.Totals.Opens, all.Totals.Opens, some.Totals.ConnectFailures)
	}
	if again := At(t, "billing", Worst, "--port=6379"); again != some {
		t.Error("the recording was played again")
	}
}

// TestSeries: the snapshots of a series are those of its moments.
func TestSeries(t *testing.T) {
	t.Parallel()
	_, worst, err := Find("web", Worst)
	if err != nil {
		t.Fatal(err)
	}
	series := Series(t, "web", worst.At-10*time.Second, worst.At, time.Second)
	if len(series) != 11 || !reflect.DeepEqual(series[10], At(t, "web", Worst)) {
		t.Errorf("%d snapshots, the last at %v", len(series), series[len(series)-1].At)
	}
	for i := range series[1:] {
		if series[i+1].At.Sub(series[i].At) != time.Second || series[i+1].Totals.BindFailures < series[i].Totals.BindFailures {
			t.Errorf("after %v comes %v", series[i].At, series[i+1].At)
		}
	}
	if later := Series(t, "web", time.Hour, 2*time.Hour, time.Hour); len(later) != 2 {
		t.Errorf("%d snapshots of what is over", len(later))
	}
}

// TestAlone: a recording has only the namespace of its incident, and nothing of the host's other
// processes.
func TestAlone(t *testing.T) {
	t.Parallel()
	for _, incident := range Incidents() {
		last := incident.Moments[len(incident.Moments)-1]
		s := At(t, incident.Name, last.Name)
		if len(s.Namespaces) != 1 || s.Namespaces[0].Name != incident.Name {
			t.Errorf("%s: namespaces %+v", incident.Name, s.Namespaces)
		}
		for _, p := range s.Processes {
			if p.Info.Comm != "" && p.Info.Unit != incident.Name+".service" || strings.Contains(p.Info.CommandLine, "/tmp/") {
				t.Errorf("%s has a process %+v", incident.Name, p.Info)
			}
			for _, a := range p.Info.Ancestors {
				if a.Comm != "bash" && a.Comm != "nginx" {
					t.Errorf("%s has a process below %+v", incident.Name, a)
				}
			}
		}
	}
}

// TestReadme: README.md has what Incidents returns.
func TestReadme(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("# Recorded incidents\n\nReal programs, recorded by `make incidents-recordings`; `internal/incidents` has the scenes.\n" +
		"Each file has one network namespace. Go: `recorded.At(t, \"proxy\", recorded.Worst)`; by hand: `porttrace replay testdata/proxy.ptrace`.\n\n" +
		"| file | what | moments |\n|---|---|---|\n")
	for _, incident := range Incidents() {
		var moments []string
		for _, m := range incident.Moments {
			moments = append(moments, fmt.Sprintf("%s, %s: %s", m.Name, m.At, m.What))
		}
		fmt.Fprintf(&b, "| `%s.ptrace` | %s | %s |\n", incident.Name, incident.What, strings.Join(moments, "<br>"))
	}
	if *update {
		if err := os.WriteFile("README.md", []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if text, err := os.ReadFile("README.md"); err != nil || string(text) != b.String() {
		t.Errorf("README.md differs: go test ./internal/incidents/recorded -update (%v)", err)
	}
}
