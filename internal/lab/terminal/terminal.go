// Package terminal runs a program in a pseudo-terminal, and shows what is on its screen: a
// terminal emulator receives what the program writes and answers what it asks, as for the colour
// of the background. Tests drive the real binary with it, and the pictures of the documentation
// are made by it.
//
// # Files
//
//	terminal  a program in a terminal: start, resize, signals, its end
//	keys      what a keyboard sends
//	screen    what is on the screen, and waiting for it
package terminal

import (
	"errors"
	"fmt"
	"image/color"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// Options are what a program is started with.
type Options struct {
	Args          []string // the first one is the program
	Env           []string // beside that of this process; NAME= takes a variable away
	Width, Height int      // in cells
	// Background and Foreground are the terminal's own colours, which it reports if it is asked;
	// nil: black and white.
	Background, Foreground color.Color
	// Basic are the 16 colours of ANSI; nil ones are those of xterm.
	Basic [16]color.Color
	// Foreign says that the terminal does not control the program, as below su(1): the kernel sends
	// no SIGHUP when the terminal vanishes.
	Foreign bool
}

// Terminal is a terminal with a program in it. Its methods may be called by any goroutine.
type Terminal struct {
	cmd      *exec.Cmd
	keyboard *os.File      // the terminal's end of the pseudo-terminal
	ended    chan struct{} // closed when the program has ended
	exit     error         // why it has ended; set before ended is closed
	drained  chan struct{} // closed when all that it has written was received

	basic [16]color.Color

	mu       sync.Mutex
	emulator *vt.Emulator
	title    string
	received int       // bytes
	last     time.Time // when bytes came last, or something was done that makes some come
	changed  chan struct{}
}

// Start starts a program in a new terminal. Close must be called.
func Start(opts Options) (*Terminal, error) {
	if len(opts.Args) == 0 {
		return nil, errors.New("starting a terminal: no program")
	}
	t := &Terminal{
		cmd:   exec.Command(opts.Args[0], opts.Args[1:]...),
		ended: make(chan struct{}), drained: make(chan struct{}), changed: make(chan struct{}),
		emulator: vt.NewEmulator(opts.Width, opts.Height), last: time.Now(), basic: opts.Basic,
	}
	t.emulator.SetDefaultBackgroundColor(opts.Background)
	t.emulator.SetDefaultForegroundColor(opts.Foreground)
	t.emulator.SetCallbacks(vt.Callbacks{Title: func(title string) { t.title = title }})
	t.cmd.Env = environment(opts.Env)
	attributes := &syscall.SysProcAttr{Setsid: true, Setctty: !opts.Foreign}
	keyboard, err := pty.StartWithAttrs(t.cmd, &pty.Winsize{Cols: uint16(opts.Width), Rows: uint16(opts.Height)}, attributes)
	if err != nil {
		return nil, fmt.Errorf("starting %s in a terminal: %w", opts.Args[0], err)
	}
	if t.keyboard, err = interruptible(keyboard); err != nil {
		return nil, errors.Join(err, t.cmd.Process.Kill(), t.cmd.Wait())
	}
	go t.receive()
	go t.answer()
	go func() {
		t.exit = t.cmd.Wait()
		close(t.ended)
	}()
	return t, nil
}

// environment returns that of this process with changes.
func environment(changes []string) []string {
	values := map[string]string{}
	fixed := []string{"TERM=xterm-256color", "COLORTERM=truecolor", "NO_COLOR="}
	for _, variable := range slices.Concat(os.Environ(), fixed, changes) {
		name, value, _ := strings.Cut(variable, "=")
		values[name] = value
	}
	var env []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if values[name] != "" {
			env = append(env, name+"="+values[name])
		}
	}
	return env
}

// interruptible takes a terminal that is in blocking mode, as os.File.Fd leaves it, and returns
// one whose Close ends a read that waits, and so truly closes it.
func interruptible(blocking *os.File) (*os.File, error) {
	defer blocking.Close()
	fd, err := unix.FcntlInt(blocking.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err == nil {
		err = unix.SetNonblock(fd, true)
	}
	if err != nil {
		return nil, fmt.Errorf("opening the terminal: %w", err)
	}
	return os.NewFile(uintptr(fd), blocking.Name()), nil
}

// control calls a function with the terminal's file descriptor, and leaves its mode alone.
func (t *Terminal) control(call func(fd int) error) error {
	conn, err := t.keyboard.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = conn.Control(func(fd uintptr) { failed = call(int(fd)) })
	return errors.Join(err, failed)
}

// receive puts what the program writes on the screen, until no process has the terminal open.
func (t *Terminal) receive() {
	defer close(t.drained)
	buffer := make([]byte, 1<<16)
	for {
		n, err := t.keyboard.Read(buffer)
		t.mu.Lock()
		if n > 0 {
			_, _ = t.emulator.Write(buffer[:n]) // fails only when it is closed
			t.received += n
			t.last = time.Now()
		}
		close(t.changed)
		t.changed = make(chan struct{})
		t.mu.Unlock()
		if err != nil { // EIO: Linux's end of file of a terminal
			return
		}
	}
}

// answer sends what the terminal answers to what the program asks.
func (t *Terminal) answer() {
	_, _ = io.Copy(t.keyboard, t.emulator) // until one of them is closed
}

// Resize changes the size, of which the program gets a SIGWINCH.
func (t *Terminal) Resize(width, height int) error {
	t.disturb()
	t.mu.Lock()
	t.emulator.Resize(width, height)
	t.mu.Unlock()
	size := unix.Winsize{Col: uint16(width), Row: uint16(height)}
	err := t.control(func(fd int) error { return unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &size) })
	if err != nil {
		return fmt.Errorf("resizing the terminal: %w", err)
	}
	return nil
}

// disturb notes that the program has something to do.
func (t *Terminal) disturb() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = time.Now()
}

// PID returns the process id of the program.
func (t *Terminal) PID() int { return t.cmd.Process.Pid }

// Signal sends a signal to the program alone.
func (t *Terminal) Signal(signal os.Signal) error { return t.cmd.Process.Signal(signal) }

// Vanish closes the terminal under the program, as when its window is closed. What the program
// reads from then on is an end of file, what it writes an error; its session gets a SIGHUP.
func (t *Terminal) Vanish() error { return t.keyboard.Close() }

// Cooked reports whether the terminal edits lines and echoes, as it does for a shell.
func (t *Terminal) Cooked() (bool, error) {
	var state *unix.Termios
	err := t.control(func(fd int) (err error) {
		state, err = unix.IoctlGetTermios(fd, unix.TCGETS)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("reading the state of the terminal: %w", err)
	}
	const cooked = unix.ICANON | unix.ECHO | unix.ISIG
	return state.Lflag&cooked == cooked, nil
}

// Wait waits for the end of the program, and for all that it has written. It returns the
// program's error, or another one if the program has not ended in time.
func (t *Terminal) Wait(most time.Duration) error {
	timeout := time.After(most)
	for _, done := range []chan struct{}{t.ended, t.drained} {
		select {
		case <-done:
		case <-timeout:
			return fmt.Errorf("the program has not ended within %s: %q", most, t.Screen().Text())
		}
	}
	return t.exit
}

// Close kills the program, if it still runs, and closes the terminal.
func (t *Terminal) Close() error {
	_ = t.cmd.Process.Kill() // fails if it has ended
	<-t.ended
	err := t.keyboard.Close()
	t.mu.Lock()
	defer t.mu.Unlock()
	if errors.Is(err, os.ErrClosed) { // it has vanished
		err = nil
	}
	// Not by Close, which does not wait for a reader: the end of what it reads ends it.
	if input, ok := t.emulator.InputPipe().(io.Closer); ok {
		err = errors.Join(err, input.Close())
	}
	return err
}
