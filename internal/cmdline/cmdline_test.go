package cmdline

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/porttrace/porttrace/internal/event"
)

func describe(exe string, whole bool, raw string) event.Process {
	p := event.Process{Exe: exe}
	Describe(&p, []byte(raw), whole)
	return p
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		raw          string
		whole        bool
		line, script string
	}{
		{"", true, "", ""},
		{"\x00\x00", true, "", ""},
		{"curl\x00-s\x00http://10.0.0.2/\x00", true, "curl -s http://10.0.0.2/", ""},
		{"python3\x00billing.py\x00--workers\x001\x00", true, "python3 billing.py --workers 1", "billing.py"},
		{"nginx: worker process\x00\x00\x00\x00", true, "nginx: worker process", ""},
		{"nginx: no NUL", true, "nginx: no NUL", ""},
		{"java\x00-cp\x00/a.jar:/b.ja", false, "java -cp …", ""},
		{"bash\x00run.sh\x00http://u:secr", false, "bash run.sh …", "run.sh"},
		{"one argument that is too long", false, "", ""},
		{"sh\x00\x00x\x00", true, "sh  x", ""},
	} {
		p := describe("", c.whole, c.raw)
		if p.CommandLine != c.line || p.Script != c.script {
			t.Errorf("%q: %q, script %q; want %q, %q", c.raw, p.CommandLine, p.Script, c.line, c.script)
		}
		if Cut(p.CommandLine) == (c.whole && c.raw != "") && c.line != "" {
			t.Errorf("%q: cut is %v", p.CommandLine, Cut(p.CommandLine))
		}
	}
}

// A command line is cut between characters, after secrets have been masked: not in a mask.
func TestBound(t *testing.T) {
	t.Parallel()
	for n := event.MaxCommandLine - 8; n < event.MaxCommandLine+8; n++ {
		p := describe("", true, "x\x00"+strings.Repeat("é", n/2)+strings.Repeat("a", n%2)+"\x00--password=hunter2\x00")
		if len(p.CommandLine) > event.MaxCommandLine || !utf8.ValidString(p.CommandLine) || strings.Contains(p.CommandLine, "hunter") {
			t.Errorf("%d: %d bytes: …%q", n, len(p.CommandLine), p.CommandLine[len(p.CommandLine)-20:])
		}
	}
	if p := describe("", true, strings.Repeat("\xbf", 4096)); len(p.CommandLine) > event.MaxCommandLine {
		t.Errorf("%d bytes", len(p.CommandLine))
	}
}

// The script is in the stream, too: no secret may come through it.
func TestScriptWithoutSecrets(t *testing.T) {
	t.Parallel()
	const key = "0123456789abcdef0123456789abcdef"
	for raw, want := range map[string]string{
		"bash\x00/tmp/" + key + "/run.sh\x00": "run.sh",
		"bash\x00/tmp/" + key + "\x00":        "",
		"bash\x00/srv/run.sh\x00":             "/srv/run.sh",
	} {
		if p := describe("", true, raw); p.Script != want {
			t.Errorf("%q: %q, want %q", raw, p.Script, want)
		}
	}
}

func FuzzDescribe(f *testing.F) {
	f.Add("python3\x00-m\x00http.server\x00", "/usr/bin/python3", true)
	f.Add("sh\x00-c\x00mysql -psecret\x00\"a:b@c\x00", "", false)
	f.Fuzz(func(t *testing.T, raw, exe string, whole bool) {
		p := describe(exe, whole, raw)
		if len(p.CommandLine) > event.MaxCommandLine || len(p.Script) > event.MaxCommandLine {
			t.Errorf("%d and %d bytes", len(p.CommandLine), len(p.Script))
		}
		if strings.Contains(p.CommandLine, "\x00") {
			t.Errorf("a NUL in %q", p.CommandLine)
		}
	})
}

func BenchmarkDescribe(b *testing.B) {
	raw := []byte("curl\x00-sS\x00-o\x00/dev/null\x00--max-time\x005\x00http://10.88.102.2:80/prices\x00")
	for b.Loop() {
		var p event.Process
		Describe(&p, raw, true)
	}
}
