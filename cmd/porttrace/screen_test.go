package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/incidents/recorded"
	"github.com/porttrace/porttrace/internal/lab/need"
	"github.com/porttrace/porttrace/internal/lab/terminal"
)

// screenBound is how long a screen may take for anything. No test asserts a time: a machine that
// is this slow has another fault.
const screenBound = 30 * time.Second

// What is on the screen of the incident "proxy" in each view, in any wording.
var (
	overview  = regexp.MustCompile(`:9000\b`)
	fullSpace = regexp.MustCompile(`(?i)\b100\s?%|\bfull\b`)
	spacePage = regexp.MustCompile(`(?i)\brange\b`)
	page      = regexp.MustCompile(`›`) // of the path to it
	whyPage   = regexp.MustCompile(`sysctl -w`)
	nothing   = regexp.MustCompile(`(?i)nothing matches|no (row|match)|matches nothing|none match`)
	nginx     = regexp.MustCompile(`\bnginx\b`)
	helpPage  = regexp.MustCompile(`(?i)suspend`)
	demo      = []*regexp.Regexp{regexp.MustCompile(`\bshop-api\b`), regexp.MustCompile(`\breport-job\b`), regexp.MustCompile(`\bsync-agent\b`)}
)

// TestScreen drives the binary as users run it, in a terminal.
func TestScreen(t *testing.T) {
	t.Parallel()
	with := screenTests{binary: filepath.Join(t.TempDir(), "porttrace")}
	cmd := exec.Command("go", "build", "-buildvcs=false", "-o", with.binary, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building porttrace: %v: %s", err, output)
	}
	t.Run("incident", with.incident)
	t.Run("ends", with.ends)
	t.Run("vanishes", with.vanishes)
	t.Run("demo", with.demo)
	t.Run("records", with.records)
	t.Run("keeps", with.keeps)
}

// screenTests are the tests of a binary.
type screenTests struct{ binary string }

// onScreen is the screen of a test.
type onScreen struct {
	*testing.T
	*terminal.Terminal
}

// show starts the command in a terminal of 100 columns and 30 rows.
func (with screenTests) show(t *testing.T, opts terminal.Options, args ...string) *onScreen {
	t.Helper()
	opts.Args = append([]string{with.binary}, args...)
	opts.Width, opts.Height = 100, 30
	return onTerminal(t, opts)
}

// demoIn starts a demo in a directory, for the files that it makes.
func (with screenTests) demoIn(t *testing.T, directory string, width int) *onScreen {
	t.Helper()
	return onTerminal(t, terminal.Options{
		Args: []string{"sh", "-c", `cd "$1" && exec "$2" demo`, "sh", directory, with.binary}, Width: width, Height: 30,
	})
}

// checkFiles checks that this many recordings are in a directory, and that each has all of the demo.
func (with screenTests) checkFiles(t *testing.T, directory string, many int) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(directory, "*.ptrace"))
	if err != nil || len(names) != many {
		t.Fatalf("files %v: %v", names, err)
	}
	for _, name := range names {
		report, err := exec.Command(with.binary, "report", "--json", name).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, report)
		}
		for _, pattern := range append([]*regexp.Regexp{regexp.MustCompile(`"gap_count": 0`)}, demo...) {
			if !pattern.Match(report) {
				t.Errorf("%s: no %v in\n%s", name, pattern, report)
			}
		}
	}
}

func onTerminal(t *testing.T, opts terminal.Options) *onScreen {
	t.Helper()
	term, err := terminal.Start(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := term.Close(); err != nil {
			t.Error(err)
		}
	})
	return &onScreen{t, term}
}

// replay replays an incident.
func (with screenTests) replay(t *testing.T, opts terminal.Options, name string) *onScreen {
	t.Helper()
	text, err := recorded.File(name)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), name+".ptrace")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return with.show(t, opts, "replay", file)
}

func (s *onScreen) press(keys ...string) {
	s.Helper()
	if err := s.Press(keys...); err != nil {
		s.Fatal(err)
	}
}

// await waits until all patterns match the screen.
func (s *onScreen) await(what string, patterns ...*regexp.Regexp) {
	s.Helper()
	s.awaitIf(what, func(screen *terminal.Screen) bool {
		text := screen.Text()
		for _, p := range patterns {
			if !p.MatchString(text) {
				return false
			}
		}
		return true
	})
}

// leave presses Esc and waits until what is shown is gone: an Esc and a key at once are Alt and
// that key.
func (s *onScreen) leave(shown *regexp.Regexp) {
	s.Helper()
	s.press("esc")
	s.awaitIf("without "+shown.String(), func(screen *terminal.Screen) bool { return !shown.MatchString(screen.Text()) })
}

func (s *onScreen) awaitIf(what string, wanted func(*terminal.Screen) bool) {
	s.Helper()
	if _, err := s.Await(screenBound, what, wanted); err != nil {
		s.Fatal(err)
	}
}

// restored checks that the program has ended and that the terminal is as it was before.
func (s *onScreen) restored() {
	s.Helper()
	if err := s.Wait(screenBound); err != nil {
		s.Error(err)
	}
	screen := s.Screen()
	if screen.Alternate || screen.CursorHidden {
		s.Errorf("the alternate screen is left: %t; the cursor is hidden: %t", !screen.Alternate, screen.CursorHidden)
	}
	if cooked, err := s.Cooked(); err != nil || !cooked {
		s.Errorf("the terminal echoes and edits lines: %t, %v", cooked, err)
	}
}

// incident goes through an incident as its engineer does.
func (with screenTests) incident(t *testing.T) {
	t.Parallel()
	s := with.replay(t, terminal.Options{}, "proxy")
	s.awaitIf("the screen", func(screen *terminal.Screen) bool { return screen.Alternate })
	s.press("n") // the first failure, at which it pauses
	s.await("the full port space", overview, fullSpace)

	s.press("enter")
	s.await("its page", page, spacePage, nginx)
	s.press("w")
	s.await("why, and what to do", page, whyPage)
	s.leave(whyPage)
	s.leave(page)
	s.await("the overview again", overview, fullSpace)

	for _, size := range [][2]int{{160, 50}, {80, 24}, {120, 40}} {
		if err := s.Resize(size[0], size[1]); err != nil {
			t.Fatal(err)
		}
		s.awaitIf("the screen in its new size", fits(size[0], size[1]))
	}

	s.press("/")
	if err := s.Type("no such program"); err != nil {
		t.Fatal(err)
	}
	s.press("enter")
	s.await("that nothing matches", nothing)
	s.leave(nothing)
	s.press("?")
	s.await("the help", helpPage)
	s.leave(helpPage)
	s.press("q")
	s.restored()
}

// fits reports whether the screen is drawn in a size: its last row, with the keys, is the
// terminal's, and no row is cut off or left over.
func fits(width, height int) func(*terminal.Screen) bool {
	return func(screen *terminal.Screen) bool {
		lines := screen.Lines()
		return len(lines) == height && len(screen.Rows[0]) == width &&
			strings.TrimSpace(lines[height-1]) != "" && overview.MatchString(screen.Text())
	}
}

// ends: whatever ends it, the program ends, and the terminal is as it was before.
func (with screenTests) ends(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*onScreen) error{
		"SIGTERM": func(s *onScreen) error { return s.Signal(syscall.SIGTERM) },
		"SIGHUP":  func(s *onScreen) error { return s.Signal(syscall.SIGHUP) },
		"SIGINT":  func(s *onScreen) error { return s.Signal(os.Interrupt) },
		"ctrl+c":  func(s *onScreen) error { return s.Press("ctrl+c") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := with.replay(t, terminal.Options{}, "web")
			s.await("the screen", regexp.MustCompile(`:5432\b`))
			if err := end(s); err != nil {
				t.Fatal(err)
			}
			s.restored()
		})
	}
}

// vanishes: a screen ends with its terminal, also if no signal says so.
func (with screenTests) vanishes(t *testing.T) {
	t.Parallel()
	for name, foreign := range map[string]bool{"of its own session": false, "of another session": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := with.replay(t, terminal.Options{Foreign: foreign}, "web")
			s.await("the screen", regexp.MustCompile(`:5432\b`))
			if err := s.Vanish(); err != nil {
				t.Fatal(err)
			}
			if err := s.Wait(screenBound); err != nil {
				t.Error(err)
			}
		})
	}
}

// demo: the live screen of the demo shows its programs, and takes the terminal back in the end.
func (with screenTests) demo(t *testing.T) {
	t.Parallel()
	need.Root(t, "tracing")
	need.BTF(t)
	s := with.show(t, terminal.Options{}, "demo")
	s.awaitIf("the screen", func(screen *terminal.Screen) bool { return screen.Alternate })
	s.press("2", "g", "g", "g", "g", "g", "g") // the processes, one by one: all are of one program
	s.await("the programs of the demo", demo...)
	s.press("q")
	s.restored()
}
