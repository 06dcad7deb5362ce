package monitoring

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/porttrace/porttrace/internal/doctor"
	"github.com/porttrace/porttrace/internal/lab/need"
)

const (
	rulesDir = "../../../deploy/prometheus"
	docsDir  = "../../../docs"
)

func read(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	noError(t, err)
	return string(text)
}

// rules returns the file of rules for every Prometheus.
func rules(t testing.TB) string { return read(t, filepath.Join(rulesDir, "porttrace.rules.yml")) }

// allRules returns the text of all files of rules, one after the other.
func allRules(t testing.TB) (text string) {
	t.Helper()
	for _, file := range ruleFiles(t) {
		text += read(t, filepath.Join(rulesDir, file))
	}
	return text
}

func ruleFiles(t testing.TB) (names []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(rulesDir, "*.rules.yml"))
	noError(t, err)
	if len(files) < 2 {
		t.Fatalf("only %q have rules", files)
	}
	for _, file := range files {
		names = append(names, filepath.Base(file))
	}
	return names
}

// promtool runs it in the directory of the rules.
func promtool(t *testing.T, args ...string) {
	t.Helper()
	cmd := exec.Command(need.Program(t, "promtool"), args...)
	cmd.Dir = rulesDir
	if output, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, output)
	}
}

func TestRules(t *testing.T) {
	t.Parallel()
	promtool(t, append([]string{"check", "rules", "--lint=all", "--lint-fatal"}, ruleFiles(t)...)...)
}

// Each alert fires, with the owner and the destination in its text, is silent where nothing is
// wrong, and resolves.
func TestAlerts(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(rulesDir, "*.test.yml"))
	noError(t, err)
	tested := ""
	for _, file := range files {
		promtool(t, "test", "rules", filepath.Base(file))
		tested += read(t, file)
	}
	for _, alert := range alerts(t) {
		if !regexp.MustCompile(`alertname: ` + alert + `\n +exp_alerts:\n`).MatchString(tested) {
			t.Errorf("no test shows that %s fires", alert)
		}
	}
}

// alerts returns the names of the alerts.
func alerts(t testing.TB) (names []string) {
	t.Helper()
	for _, match := range regexp.MustCompile(`(?m)^ +- alert: (\w+)$`).FindAllStringSubmatch(allRules(t), -1) {
		names = append(names, match[1])
	}
	return names
}

// Each alert has a section of docs/alerts.md, to which it refers, and each section an alert.
func TestRunbooks(t *testing.T) {
	t.Parallel()
	page := read(t, filepath.Join(docsDir, "alerts.md"))
	sections := map[string]bool{}
	for _, match := range regexp.MustCompile(`(?m)^### (\w+)$`).FindAllStringSubmatch(page, -1) {
		sections[match[1]] = true
	}
	known := map[string]bool{}
	for block := range strings.SplitSeq(allRules(t), "- alert: ") {
		name, _, _ := strings.Cut(block, "\n")
		if strings.HasPrefix(name, "#") {
			continue
		}
		known[name] = true
		if !sections[name] || !strings.Contains(block, "/docs/alerts.md#"+strings.ToLower(name)+"\n") {
			t.Errorf("%s has no section in docs/alerts.md, or does not refer to it", name)
		}
		if !strings.Contains(block, "runbook: ") {
			t.Errorf("%s does not say what to type", name)
		}
	}
	for name := range sections {
		if !known[name] {
			t.Errorf("docs/alerts.md has a section of %s, which is no alert", name)
		}
	}
}

// The causes that rules name exist.
func TestCauses(t *testing.T) {
	t.Parallel()
	causes := map[string]bool{}
	for _, cause := range doctor.Causes() {
		causes[string(cause)] = true
	}
	matches := regexp.MustCompile(`cause[!=~]+"([^"]+)"|porttrace explain (\w+)`).FindAllStringSubmatch(allRules(t), -1)
	for _, match := range matches {
		for name := range strings.SplitSeq(match[1]+match[2], "|") {
			if !causes[name] {
				t.Errorf("there is no cause %q", name)
			}
		}
	}
	if len(matches) < 4 {
		t.Errorf("%d places name causes", len(matches))
	}
}
