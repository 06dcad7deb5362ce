package theme

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/exp/golden"
)

func write(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "mine.conf")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestLoad(t *testing.T) {
	t.Parallel()
	name := write(t, `# mine
base = high-contrast
title = default

[dark]
time_wait = #e3b341 | 178 | 3 | bold   # amber
bad = bold #f00
[light]
bad = 124 reverse
`)
	got, err := Load(name)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		tints tints
		want  string
	}{
		{got.dark[Title], "[default default default default]"},
		{got.light[Title], "[default default default default]"},
		{got.dark[TimeWait], "[#e3b341 178 3 bold]"},
		{got.dark[Bad], "[#ff0000 bold 196 bold 9 bold bold]"},
		{got.light[Bad], "[124 reverse 124 reverse 1 reverse reverse]"},
		{got.light[TimeWait], fmt.Sprint(builtin["high-contrast"].light[TimeWait])},
	} {
		if s := fmt.Sprint(test.tints); s != test.want {
			t.Errorf("got %s, want %s", s, test.want)
		}
	}
	if got.Name != name {
		t.Error(got.Name)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"\n\nborder = grey":   `:3: border: "grey" is no colour as in #6b7788, 243 or default, and none of bold, faint, underline, reverse`,
		"border = #12345":     `:1: border: "#12345" is no colour as in #6b7788, 243 or default, and none of bold, faint, underline, reverse`,
		"border = 256":        `:1: border: "256" is no colour as in #6b7788, 243 or default, and none of bold, faint, underline, reverse`,
		"border =":            ":1: border: want a colour as in #6b7788, 243 or default, or one of bold, faint, underline, reverse",
		"border":              ":1: want ROLE = TINT, as in border = #6b7788",
		"boarder = 1":         ":1: boarder: there is no such role; did you mean border?",
		"sky = 1":             ":1: sky: there is no such role; there are " + strings.Join(roleNames[:], ", "),
		"[night]":             ":1: want [dark] or [light]",
		"ok = 1\nbase = mono": ":2: base: it must be the first setting",
		"base = drak":         ":1: base: theme drak: there is none; did you mean dark?",
		"ok = 1|2|3|bold|5":   ":1: ok: 5 tints, where four are the most: true colour | 256 colours | 16 | none",
		"ok = 1|2|3|4":        ":1: ok: a colour in the tint without colours",
		"ok = 1|#fff":         ":1: ok: a colour above 255 in the tint of 256 colours",
		"ok = 1|2|16":         ":1: ok: a colour above 15 in the tint of 16 colours",
	} {
		name := write(t, text)
		got, err := Load(name)
		if err == nil || err.Error() != name+want {
			t.Errorf("%q:\n got %v\nwant FILE%s", text, err, want)
		}
		if got.Name != "auto" {
			t.Errorf("%q: theme %s", text, got.Name)
		}
	}
	for name, want := range map[string]string{
		"drak":    "theme drak: there is none; did you mean dark?",
		"sunrise": "theme sunrise: there is none, and no such file; built in are auto, dark, light, high-contrast, mono",
		"/no/t":   "reading theme: open /no/t: no such file or directory",
		"/":       "reading theme: read /: is a directory",
	} {
		if _, err := Load(name); err == nil || err.Error() != want {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Load(write(t, strings.Repeat("# long\n", maxFile/7+1))); err == nil {
		t.Error("a file without end is read")
	}
}

func TestUserFile(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", folder)
	if got, err := Load(""); err != nil || got.Name != "auto" {
		t.Errorf("without a file: %s %v", got.Name, err)
	}
	name := filepath.Join(folder, FileName)
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte("base = mono"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := Load(""); err != nil || got.Name != name || got.dark != builtin["mono"].dark {
		t.Errorf("%s %v", got.Name, err)
	}
}

// TestText checks that each theme, written to a file, is the same theme.
func TestText(t *testing.T) {
	t.Parallel()
	for _, name := range Names() {
		want := builtin[name]
		got, err := Load(write(t, want.Text()))
		if err != nil || got.dark != want.dark || got.light != want.light {
			t.Errorf("%s: %v\n%s", name, err, want.Text())
		}
	}
}

// TestNoColor checks that without colours no sequence has one, whatever the theme.
func TestNoColor(t *testing.T) {
	t.Parallel()
	for _, name := range Names() {
		for _, profile := range []colorprofile.Profile{colorprofile.ASCII, colorprofile.NoTTY} {
			styles := builtin[name].Styles(true, profile)
			for r := range roleCount {
				for _, text := range []string{styles.Paint(r, "x"), styles.PaintSelected(r, r, "x")} {
					for _, code := range []string{"38", "48", "[3", ";3", "[9", ";9", "[4;", "[10"} {
						if strings.Contains(text, code) {
							t.Errorf("%s, %s: %q", name, r, text)
						}
					}
				}
			}
			if got, plain := styles.PaintSelected(Bad, Dim, "x"), styles.Paint(Dim, "x"); got == plain || !strings.Contains(got, "7") {
				t.Errorf("%s: the selection is not seen: %q", name, got)
			}
		}
	}
}

// TestSelection checks that a row keeps the colour of its state under the cursor.
func TestSelection(t *testing.T) {
	t.Parallel()
	styles := Default().Styles(true, colorprofile.TrueColor)
	if got := styles.PaintSelected(Bad, Bad, "x"); got != "\x1b[1;38;2;255;123;114;48;2;38;52;77mx\x1b[m" {
		t.Errorf("%q", got)
	}
	basic := Default().Styles(true, colorprofile.ANSI)
	if got, want := basic.PaintSelected(Bad, Dim, "x"), basic.PaintSelected(Bad, Bad, "x"); got != want || got != "\x1b[1;7;91mx\x1b[m" {
		t.Errorf("%q %q", got, want)
	}
	if got := styles.Paint(Text, "x") + styles.Paint(Bad, ""); got != "x" {
		t.Errorf("%q", got)
	}
}

// TestGolden has all tints as a terminal gets them.
func TestGolden(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"auto", "high-contrast", "mono"} {
		for _, profile := range []colorprofile.Profile{colorprofile.TrueColor, colorprofile.ANSI256, colorprofile.ANSI, colorprofile.ASCII} {
			t.Run(fmt.Sprintf("%s-%s", name, profile), func(t *testing.T) {
				t.Parallel()
				var out strings.Builder
				for _, dark := range []bool{true, false} {
					styles := builtin[name].Styles(dark, profile)
					for r := range roleCount {
						out.WriteString(styles.Paint(r, r.String()) + " " + styles.PaintSelected(r, r, r.String()) + "\n")
					}
				}
				golden.RequireEqual(t, out.String())
			})
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, name := range Names() {
		f.Add(builtin[name].Text())
	}
	f.Add("[dark]\nok = #fff bold | 300\n")
	f.Fuzz(func(t *testing.T, text string) {
		theme := Default()
		if err := theme.read(text); err != nil {
			return
		}
		again := Default()
		if err := again.read(theme.Text()); err != nil || again.dark != theme.dark || again.light != theme.light {
			t.Errorf("%v\n%s", err, theme.Text())
		}
	})
}

func BenchmarkPaint(b *testing.B) {
	styles := Default().Styles(true, colorprofile.TrueColor)
	b.ReportAllocs()
	for b.Loop() {
		styles.Paint(TimeWait, "▓▓▓▓▓▓▓▓")
	}
}

// TestThemeShowsNoFile: the theme of a user can be a link to a file that only root may read. No error
// shows a line of it.
func TestThemeShowsNoFile(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"root:$y$secret:19000:0:99999:7:::\n", "[secret]\n", "secret\n", "# x\n-----BEGIN secret KEY-----\n"} {
		name := filepath.Join(t.TempDir(), "theme.conf")
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(name); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", text, err)
		}
	}
}
