package terminal

import (
	"image/color"
	"os/exec"
	"strings"
	"testing"
	"time"
)

const bound = 20 * time.Second

// start runs a line of sh(1) in a terminal of 40 columns and 5 rows.
func start(t *testing.T, opts Options, line string) *Terminal {
	t.Helper()
	opts.Args, opts.Width, opts.Height = []string{"sh", "-c", line}, 40, 5
	term, err := Start(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := term.Close(); err != nil {
			t.Error(err)
		}
	})
	return term
}

func TestScreen(t *testing.T) {
	t.Parallel()
	term := start(t, Options{}, `printf '\033]2;a title\007\033[?1049h\033[?25l\033[2;3H\033[1;31mred\033[0m \033[38;2;1;2;3mrgb'; read -r line; printf '\033[?1049l\033[?25h%s-%s' "$line" "$(stty size)"`)
	s, err := term.AwaitText(bound, "red rgb")
	if err != nil {
		t.Fatal(err)
	}
	if red := s.Rows[1][2]; red.Text != "r" || !red.Bold || red.Fg == nil || s.Lines()[1] != "  red rgb" {
		t.Errorf("%+v in %q", red, s.Lines())
	}
	if r, g, b, _ := s.Rows[1][6].Fg.RGBA(); r>>8 != 1 || g>>8 != 2 || b>>8 != 3 {
		t.Errorf("colour %d %d %d", r>>8, g>>8, b>>8)
	}
	if !s.Alternate || !s.CursorHidden || s.Title != "a title" {
		t.Errorf("alternate screen %t, hidden cursor %t, title %q", s.Alternate, s.CursorHidden, s.Title)
	}
	if err := term.Resize(50, 6); err != nil {
		t.Fatal(err)
	}
	if err := term.Press("o", "k", "enter"); err != nil {
		t.Fatal(err)
	}
	if s, err = term.AwaitText(bound, "ok-6 50"); err != nil || s.Alternate || s.CursorHidden || len(s.Rows) != 6 {
		t.Errorf("%v, %+v", err, s.Lines())
	}
	if err := term.Wait(bound); err != nil {
		t.Error(err)
	}
	if term.Press("no such key") == nil {
		t.Error("there is such a key")
	}
}

// TestAnswers: a program gets an answer to its questions.
func TestAnswers(t *testing.T) {
	t.Parallel()
	white := color.RGBA{0xff, 0xff, 0xfe, 0xff}
	term := start(t, Options{Background: white}, `stty raw -echo; printf '\033]11;?\007'; head -c 10 | tr '\033' E`)
	if s, err := term.AwaitText(bound, "11;rgb"); err != nil {
		t.Error(err, s.Text())
	}
}

func TestEnds(t *testing.T) {
	t.Parallel()
	if _, err := Start(Options{}); err == nil {
		t.Error("started nothing")
	}
	term := start(t, Options{}, "echo last words; exit 3")
	err := term.Wait(bound)
	var exit *exec.ExitError
	if exit, _ = err.(*exec.ExitError); exit == nil || exit.ExitCode() != 3 || !term.Screen().Has("last words") { //nolint:errorlint // it is not wrapped
		t.Errorf("%v, %q", err, term.Screen().Text())
	}
	if _, err := term.AwaitText(bound, "more"); err == nil || !strings.Contains(err.Error(), "has ended") {
		t.Error(err)
	}
	// Without a controlling terminal there is no signal, only an end of file, or an error for a
	// read that begins at that moment.
	term = start(t, Options{Foreign: true}, "while read -r line; do echo got $line; done; exit 0")
	if _, err := term.keyboard.WriteString("a line\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := term.AwaitText(bound, "got a line"); err != nil {
		t.Fatal(err)
	}
	if err := term.Vanish(); err != nil {
		t.Fatal(err)
	}
	if err := term.Wait(bound); err != nil {
		t.Error(err)
	}
}

func TestEnvironment(t *testing.T) {
	t.Setenv("PORTTRACE_A", "1")
	t.Setenv("NO_COLOR", "1")
	env := "\n" + strings.Join(environment([]string{"PORTTRACE_A=", "PORTTRACE_B=2", "TERM=dumb"}), "\n") + "\n"
	for text, want := range map[string]bool{
		"\nPORTTRACE_A=": false, "\nPORTTRACE_B=2\n": true, "\nNO_COLOR=": false, "\nTERM=dumb\n": true, "\nCOLORTERM=truecolor\n": true,
	} {
		if strings.Contains(env, text) != want {
			t.Errorf("%q: want %t", text, want)
		}
	}
}
