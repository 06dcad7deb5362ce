package tui

import (
	"context"
	"io"
	"os"
)

// terminalInput is a terminal to read from. When it vanishes, it calls gone: the kernel sends
// SIGHUP only to the session that the terminal controls, which is another one below su(1), and
// Bubble Tea takes the end of its input for an input without more keys. The methods that it
// inherits make it a terminal for Bubble Tea, too.
type terminalInput struct {
	*os.File
	gone context.CancelFunc
}

// Read reads keys. A terminal has no end of file in the mode of the screen, in which Ctrl-D is a
// key: both an end and an error mean that there is no terminal any more.
func (t terminalInput) Read(p []byte) (int, error) {
	n, err := t.File.Read(p)
	if err != nil {
		t.gone()
	}
	return n, err
}

// inputOr returns the input of the options, or the terminal, which calls gone when it vanishes.
func inputOr(input io.Reader, gone context.CancelFunc) io.Reader {
	if input != nil {
		return input
	}
	return terminalInput{os.Stdin, gone}
}
