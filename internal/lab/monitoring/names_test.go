package monitoring

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// abbreviations are those of docs/metrics.md.
var abbreviations = regexp.MustCompile("(?m)^\\| (SPACE|OWNER|NETNS): ((?:`\\w+`(?:, )?)+)")

// metricRow is a row of its tables: names, type, labels.
var metricRow = regexp.MustCompile("(?m)^\\| ((?:`[a-z_]+`(?:, )?)+)[^|]*\\|[^|]*\\|([^|]*)\\|")

var quoted = regexp.MustCompile("`(\\w+)`")

func names(text string) (list []string) {
	for _, match := range quoted.FindAllStringSubmatch(text, -1) {
		list = append(list, match[1])
	}
	return list
}

// documented returns the labels of each metric of docs/metrics.md.
func documented(t *testing.T) map[string][]string {
	t.Helper()
	page := read(t, filepath.Join(docsDir, "metrics.md"))
	short := map[string][]string{}
	for _, match := range abbreviations.FindAllStringSubmatch(page, -1) {
		short[match[1]] = names(match[2])
	}
	if len(short) != 3 {
		t.Fatalf("docs/metrics.md explains %v", short)
	}
	metrics := map[string][]string{}
	for _, match := range metricRow.FindAllStringSubmatch(page, -1) {
		labels := names(match[2])
		for word, list := range short {
			if strings.Contains(match[2], word) {
				labels = append(labels, list...)
			}
		}
		for _, name := range names(match[1]) {
			metrics[name] = labels
		}
	}
	return metrics
}

var (
	metricName = regexp.MustCompile(`\b(?:process|porttrace)_[a-z_]+[a-z]\b`)
	selector   = regexp.MustCompile(`\b((?:process|porttrace)_[a-z_]+[a-z])\{([^{}]*)\}`)
	matcher    = regexp.MustCompile(`(\w+) *(?:=~|!~|!=|=) *"`)
	// ofScrape are labels that Prometheus adds, or that name the metric.
	ofScrape = []string{"instance", "job", "__name__"}
)

// checkNames fails the test if a metric or a label of a text with expressions is not documented. It
// returns the names of the metrics.
func checkNames(t *testing.T, where, text string) (used []string) {
	t.Helper()
	known := documented(t)
	find := func(name string) ([]string, bool) {
		name = strings.TrimSuffix(name, "_bucket")
		labels, ok := known[name]
		return labels, ok
	}
	for _, name := range metricName.FindAllString(text, -1) {
		if _, ok := find(name); !ok {
			t.Errorf("%s: docs/metrics.md has no %s", where, name)
		}
		used = append(used, name)
	}
	for _, match := range selector.FindAllStringSubmatch(text, -1) {
		labels, _ := find(match[1])
		for _, m := range matcher.FindAllStringSubmatch(match[2], -1) {
			if !slices.Contains(labels, m[1]) && !slices.Contains(ofScrape, m[1]) {
				t.Errorf("%s: %s has no label %s", where, match[1], m[1])
			}
		}
	}
	return used
}

// Rules, and the queries in their texts, name metrics and labels that exist.
func TestNamesOfRules(t *testing.T) {
	t.Parallel()
	text := regexp.MustCompile(`(?m)#.*$|record: .*$|name: .*$|job=.*"porttrace"`).ReplaceAllString(allRules(t), "")
	text = strings.NewReplacer(`porttrace_(connect|bind)_failures_total`, `porttrace_connect_failures_total porttrace_bind_failures_total`, `\"`, `"`, `%q`, `""`).Replace(text)
	if used := checkNames(t, "the rules", text); len(used) < 30 {
		t.Errorf("only %d names found", len(used))
	}
}
