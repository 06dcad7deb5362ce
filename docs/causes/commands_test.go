package causes

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/porttrace/porttrace/internal/lab/need"
)

// quoted matches a span of code, or a line of a block of code.
var quoted = regexp.MustCompile("(?m)`((?:sysctl|ss|nstat) [^`]+)`|^((?:sysctl|ss|nstat) .+)$")

// commands returns the command lines of all pages that begin with a tool of which this test
// knows how to run it, each once.
func commands(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, page := range pages(t) {
		for _, section := range page.Sections {
			body := strings.ReplaceAll(section.Body, "|\n", "| ")
			for _, match := range quoted.FindAllStringSubmatch(body, -1) {
				if line := match[1] + match[2]; !isForm(line) {
					all = append(all, line)
				}
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// isForm reports whether a line shows how a command is written, and leaves out what it is of.
func isForm(line string) bool { return strings.Contains(line, "...") || strings.HasSuffix(line, " -w") }

// TestCommandsRun runs each of them in a network namespace of its own: what a page says to
// type must be right.
func TestCommandsRun(t *testing.T) {
	t.Parallel()
	need.Root(t, "a network namespace")
	all := commands(t)
	if len(all) < 20 {
		t.Fatalf("only %d commands found", len(all))
	}
	for _, line := range all {
		t.Run(line, func(t *testing.T) {
			tool, _, _ := strings.Cut(line, " ")
			need.Program(t, tool)
			runCommand(t, line)
		})
	}
}

// setting matches the settings and counters that a command names.
var setting = regexp.MustCompile(`\b(?:(?:net|fs)\.[\w.]+|TcpExt\w+)`)

// hostWide are settings that exist once on the host, or can be set there only.
var hostWide = regexp.MustCompile(`\bfs\.|\bnet\.ipv4\.tcp_mem\b|\btcp_max_orphans\b|-w net\.netfilter\.nf_conntrack_max\b`)

func runCommand(t *testing.T, line string) {
	t.Helper()
	if strings.Contains(line, "net.netfilter.") {
		need.Tracking(t)
	}
	host := hostWide.MatchString(line)
	if host {
		// This only reads it: the host must stay as it is.
		line = regexp.MustCompile(`-w ([\w.]+)=.*`).ReplaceAllString(line, "$1")
	}
	run := exec.Command("sh", "-c", line)
	run.Env = append(os.Environ(), "NSTAT_HISTORY="+filepath.Join(t.TempDir(), "history"))
	if !host {
		run.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	}
	var said strings.Builder
	run.Stderr = &said
	out, err := run.Output()
	if err != nil || said.Len() > 0 {
		t.Fatalf("%v\n%s", err, said.String())
	}
	for _, name := range setting.FindAllString(line, -1) {
		if !strings.Contains(string(out), name) {
			t.Errorf("%s is not in its output: %s", name, out)
		}
	}
}
