// Package clip copies text to the clipboard of the user's terminal, over ssh as well.
//
// A terminal takes it by the sequence OSC 52, and there is no answer: those that do not know
// it, or forbid it, ignore it. tmux ignores it unless its option set-clipboard is "on" (the
// default is "external"), but its command load-buffer -w copies to tmux and to the terminal
// around it, so that is used within tmux. Under sudo the variable TMUX is usually removed; the
// notice then says which option is needed. GNU screen does not pass OSC 52 on.
package clip

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
)

// MaxBytes is how much is copied: several terminals ignore more than 75,000 bytes of base64.
const MaxBytes = 56_000

// patience bounds the time that tmux has.
const patience = 2 * time.Second

// Msg reports what was done, in a line for the user.
type Msg string

// Copy returns a command that copies the text and sends a Msg. Variables of the environment
// are read by getenv, of the client's as in tea.EnvMsg.
func Copy(text string, getenv func(string) string) tea.Cmd {
	if len(text) > MaxBytes {
		return notice(fmt.Sprintf("not copied: %d bytes, where terminals take %d at most", len(text), MaxBytes))
	}
	copied := "copied " + lines(text)
	osc52 := func(limit string) tea.Cmd { return tea.Sequence(tea.SetClipboard(text), notice(copied+limit)) }
	term := getenv("TERM")
	switch {
	case getenv("TMUX") != "":
		return func() tea.Msg {
			if loadBuffer(text) == nil {
				return Msg(copied + ", also into tmux")
			}
			return osc52("; tmux ignores it without its option set-clipboard on")()
		}
	case strings.HasPrefix(term, "tmux"):
		return osc52("; tmux ignores it without its option set-clipboard on")
	case strings.HasPrefix(term, "screen"): // the older name of tmux, too
		return osc52("; screen ignores it, and tmux without its option set-clipboard on")
	}
	return osc52("; a terminal without OSC 52 ignores it")
}

func notice(text string) tea.Cmd {
	return func() tea.Msg { return Msg(text) }
}

// loadBuffer copies by tmux, from 3.2 on.
func loadBuffer(text string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	command := exec.CommandContext(ctx, "tmux", "load-buffer", "-w", "-")
	command.Stdin = strings.NewReader(text)
	return command.Run()
}

// lines returns the number of lines in words.
func lines(text string) string {
	n := strings.Count(strings.TrimSuffix(text, "\n"), "\n") + 1
	if n == 1 {
		return "1 line"
	}
	return fmt.Sprintf("%d lines", n)
}
