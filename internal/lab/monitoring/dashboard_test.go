package monitoring

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// dashboard is what the tests read of deploy/grafana/porttrace.json.
type dashboard struct {
	Panels      []panel `json:"panels"`
	Annotations struct {
		List []struct{ Expr string } `json:"list"`
	} `json:"annotations"`
	Templating struct {
		List []struct{ Name, Type, Definition string } `json:"list"`
	} `json:"templating"`
}

type panel struct {
	ID          int
	Type, Title string
	Description string
	GridPos     struct{ X, Y, W, H int }
	Targets     []struct{ RefID, Expr string }
	FieldConfig struct {
		Defaults struct{ Unit string }
	}
}

func readDashboard(t *testing.T) (d dashboard) {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(read(t, "../../../deploy/grafana/porttrace.json")))
	noError(t, decoder.Decode(&d))
	return d
}

// asked is an expression as Grafana sends it, with all values chosen.
func asked(expr, interval string) string {
	return strings.NewReplacer("$__rate_interval", interval, "$instance", ".*", "$netns", ".*", "$program", ".*").Replace(expr)
}

// expressions returns all of the dashboard, by where they are.
func (d *dashboard) expressions() map[string]string {
	list := map[string]string{}
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			list[p.Title+" "+target.RefID] = target.Expr
		}
	}
	for i, a := range d.Annotations.List {
		list[fmt.Sprintf("annotation %d", i)] = a.Expr
	}
	return list
}

// Grafana draws each panel at its place, and explains it.
func TestDashboardPanels(t *testing.T) {
	t.Parallel()
	d := readDashboard(t)
	ids, titles, drawn := map[int]bool{}, map[string]bool{}, map[[2]int]string{}
	for _, p := range d.Panels {
		if ids[p.ID] || p.ID == 0 {
			t.Errorf("%q has the id %d of another", p.Title, p.ID)
		}
		ids[p.ID] = true
		if p.Type != "row" && (p.Description == "" || p.FieldConfig.Defaults.Unit == "" || len(p.Targets) == 0) {
			t.Errorf("%q has no description, unit or query", p.Title)
		}
		if titles[p.Title] && p.Type != "row" && p.Title != "Findings" && p.Title != "Calls without a port" {
			t.Errorf("two panels are called %q", p.Title)
		}
		titles[p.Title] = true
		if p.GridPos.X+p.GridPos.W > 24 || p.GridPos.H == 0 {
			t.Errorf("%q is outside of the 24 columns", p.Title)
		}
		for x := range p.GridPos.W {
			for y := range p.GridPos.H {
				at := [2]int{p.GridPos.X + x, p.GridPos.Y + y}
				if drawn[at] != "" {
					t.Fatalf("%q is drawn over %q", p.Title, drawn[at])
				}
				drawn[at] = p.Title
			}
		}
	}
}

// Each expression parses, and names metrics, labels and variables that exist.
func TestDashboardExpressions(t *testing.T) {
	t.Parallel()
	d := readDashboard(t)
	variables := map[string]bool{"__rate_interval": true}
	for _, v := range d.Templating.List {
		variables[v.Name] = true
		if v.Type == "query" {
			checkNames(t, "$"+v.Name, strings.TrimSuffix(strings.TrimPrefix(v.Definition, "label_values("), ")"))
		}
	}
	var parsed strings.Builder
	parsed.WriteString("groups:\n- name: dashboard\n  rules:\n")
	n := 0
	for where, expr := range d.expressions() {
		checkNames(t, where, regexp.MustCompile(`job="porttrace"`).ReplaceAllString(expr, ""))
		for _, match := range regexp.MustCompile(`\$(\w+)`).FindAllStringSubmatch(expr, -1) {
			if !variables[match[1]] {
				t.Errorf("%s: there is no variable %s", where, match[0])
			}
		}
		n++
		text, err := json.Marshal(asked(expr, "1m"))
		noError(t, err)
		fmt.Fprintf(&parsed, "  - record: panel:%d:value\n    expr: %s\n", n, text)
	}
	if n < 40 {
		t.Errorf("only %d expressions found", n)
	}
	file := filepath.Join(t.TempDir(), "dashboard.yml")
	noError(t, os.WriteFile(file, []byte(parsed.String()), 0o600))
	promtool(t, "check", "rules", file)
}

// The dashboard shows every metric of porttrace, but those that only other programs need.
func TestDashboardIsWhole(t *testing.T) {
	t.Parallel()
	d := readDashboard(t)
	var all strings.Builder
	for _, expr := range d.expressions() {
		all.WriteString(expr + "\n")
	}
	shown := strings.ReplaceAll(all.String(), "_bucket", "")
	for _, v := range d.Templating.List {
		shown += v.Definition
	}
	for name := range documented(t) {
		if !strings.HasPrefix(name, "porttrace_") || regexp.MustCompile(`\b`+name+`\b`).MatchString(shown) {
			continue
		}
		switch name {
		case "porttrace_port_space_exhaustion_low_seconds", "porttrace_ephemeral_ports", "porttrace_binds_total", "porttrace_closes_total",
			"porttrace_events_total", "porttrace_filtered_events_total", "porttrace_skipped_runs_total", "porttrace_truncated", "porttrace_program_runs_total":
		default:
			t.Errorf("no panel shows %s", name)
		}
	}
}
