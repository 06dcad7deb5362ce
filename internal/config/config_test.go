package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	t.Parallel()
	got, err := parse("# on every host\n\n[record]\nring=10m\r\n on = full, high # both\n dest = [fd00::/8]:443\n[ serve ]\nlisten = :9435\ncomm = a#b\nunit =")
	if err != nil {
		t.Fatal(err)
	}
	want := []Setting{
		{"record", "ring", "10m", 4},
		{"record", "on", "full, high", 5},
		{"record", "dest", "[fd00::/8]:443", 6},
		{"serve", "listen", ":9435", 8},
		{"serve", "comm", "a#b", 9},
		{"serve", "unit", "", 10},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

func TestMistakes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"[record]\nring 10m":       `2: "ring 10m": want FLAG = VALUE, as in ring = 10m`,
		"[record]\n= 10m":          `2: "= 10m": want FLAG = VALUE, as in ring = 10m`,
		"ring = 10m":               `1: "ring = 10m": it is before any section, as [record]`,
		"\n[record\nring = 10m":    `2: "[record": want a section, as [record]`,
		"[]":                       `1: "[]": want a section, as [record]`,
		"[record]\n--ring = 10m":   `2: "--ring = 10m": a flag is written without dashes here, as in ring = 10m`,
		"[record]\nring = 10\x00m": `2: a byte 0: this is no text file`,
	} {
		if got, err := parse(text); err == nil || err.Error() != want {
			t.Errorf("%q: %v, %v; want %s", text, got, err, want)
		}
	}
}

func TestRead(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "porttrace.conf")
	if _, err := Read(name); err == nil || !strings.Contains(err.Error(), name) {
		t.Errorf("a file that does not exist: %v", err)
	}
	if err := os.WriteFile(name, []byte("ring"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(name); err == nil || !strings.HasPrefix(err.Error(), name+":1: ") {
		t.Errorf("a wrong line: %v", err)
	}
	if _, err := Read("/dev/zero"); err == nil || !strings.Contains(err.Error(), "above 64 KiB") {
		t.Errorf("a file without end: %v", err)
	}
}

// FuzzConfig has any text for a file: what is read is what the lines have, an error is one line.
func FuzzConfig(f *testing.F) {
	f.Add("# always\n[record]\nring = 10m # comment\non = full,high\n")
	f.Add("[serve]\nlisten = [::1]:9435\n[")
	f.Add("ring = 10m")
	f.Add("[a]\n-b = c\x00\r")
	f.Fuzz(func(t *testing.T, text string) {
		settings, err := parse(text)
		if err != nil {
			if strings.ContainsAny(err.Error(), "\n\r\x1b\x00") || settings != nil {
				t.Fatalf("%q, %v", err, settings)
			}
			return
		}
		lines := strings.SplitAfter(text, "\n")
		for _, s := range settings {
			if s.Command == "" || s.Flag == "" || s.Line < 1 || s.Line > len(lines) {
				t.Fatalf("%+v", s)
			}
			if line := lines[s.Line-1]; !strings.Contains(line, s.Flag) || !strings.Contains(line, s.Value) {
				t.Fatalf("%+v is of %q", s, line)
			}
		}
	})
}
