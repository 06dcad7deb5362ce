package roff

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/porttrace/porttrace/internal/lab/need"
)

func page(text string) *Page {
	p := New("porttrace-test", "8", "2026-11-28", "porttrace 1.0")
	p.Name("porttrace-test", "a page of a test")
	p.Section("description")
	p.Paragraphs(text)
	p.Subsection(`a "part"`)
	p.Item("-x, --failures", text)
	p.Literal(text)
	return p
}

// TestPage: a text is shown as it is, whatever it means to roff.
func TestPage(t *testing.T) {
	t.Parallel()
	need.Program(t, "man")
	const text = ".so /etc/passwd\n'br \\fB\\n(yr\n--json, -o \"FILE\" \\\\ 100% ..\n~x ^y `z`"
	var source, shown strings.Builder
	if _, err := page(text).WriteTo(&source); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("man", "--warnings", "-E", "utf-8", "-l", "-")
	cmd.Env = append(cmd.Environ(), "MANWIDTH=100", "LC_ALL=C.UTF-8")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(source.String()), &shown, &shown
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	for line := range strings.SplitSeq(text, "\n") {
		if !strings.Contains(shown.String(), "           "+line+"\n") {
			t.Errorf("%q is not a line of\n%s", line, &shown)
		}
	}
}

// FuzzPage has any text for that of a page: no line of it is a request of roff, and no character
// but those of escapes is escaped.
func FuzzPage(f *testing.F) {
	f.Add("a\n.b\n'c\\d-e")
	f.Add("\r.\r'\t\\\n\n\n.")
	known := strings.NewReplacer(`\e`, "", `\-`, "", `\&`, "", `\(aq`, "", `\(ga`, "", `\(ha`, "", `\(ti`, "", `\fB`, "", `\fR`, "")
	f.Fuzz(func(t *testing.T, text string) {
		p := &Page{}
		p.Paragraphs(text)
		p.Item(text, text)
		for line := range strings.Lines(p.text.String()) {
			line = strings.TrimSuffix(line, "\n")
			if strings.HasPrefix(line, "'") || strings.HasPrefix(line, ".") && line != ".PP" && line != ".TP" {
				t.Fatalf("a request: %q", line)
			}
			if strings.Contains(known.Replace(line), `\`) || strings.ContainsAny(line, "\r\t") {
				t.Fatalf("an escape: %q", line)
			}
		}
	})
}
