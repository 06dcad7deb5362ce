package terminal

import (
	"fmt"
	"image/color"
	"strings"
	"time"

	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/ansi"
)

// Cell is one of the screen.
type Cell struct {
	Text                                    string // a character with what combines with it; "" behind a wide one
	Fg, Bg                                  color.Color
	Bold, Faint, Italic, Underline, Reverse bool
}

// Screen is what is on the screen at one moment.
type Screen struct {
	Rows         [][]Cell
	Alternate    bool // the screen without a history, of programs that fill it
	CursorHidden bool
	Title        string
	// Received is how many bytes the program had written.
	Received int
}

// Screen returns what is on the screen now.
func (t *Terminal) Screen() *Screen {
	t.mu.Lock()
	defer t.mu.Unlock()
	e := t.emulator
	s := &Screen{Alternate: e.IsAltScreen(), CursorHidden: e.CursorHidden(), Title: t.title, Received: t.received}
	for y := range e.Height() {
		row := make([]Cell, e.Width())
		for x := range row {
			row[x] = Cell{Text: " "}
			if cell := e.CellAt(x, y); cell != nil {
				row[x] = t.cellOf(cell)
			}
		}
		s.Rows = append(s.Rows, row)
	}
	return s
}

func (t *Terminal) cellOf(c *uv.Cell) Cell {
	has := func(attribute uint8) bool { return c.Style.Attrs&attribute != 0 }
	return Cell{
		Text: c.Content, Fg: t.colorOf(c.Style.Fg), Bg: t.colorOf(c.Style.Bg),
		Bold: has(uv.AttrBold), Faint: has(uv.AttrFaint), Italic: has(uv.AttrItalic), Reverse: has(uv.AttrReverse),
		Underline: c.Style.Underline != uv.UnderlineNone,
	}
}

// colorOf returns a colour as this terminal has it.
func (t *Terminal) colorOf(c color.Color) color.Color {
	if basic, ok := c.(ansi.BasicColor); ok && t.basic[basic] != nil {
		return t.basic[basic]
	}
	return c
}

// Lines returns the text of each row, without blanks at its end.
func (s *Screen) Lines() []string {
	lines := make([]string, len(s.Rows))
	for y, row := range s.Rows {
		var b strings.Builder
		for _, cell := range row {
			b.WriteString(cell.Text)
		}
		lines[y] = strings.TrimRight(b.String(), " ")
	}
	return lines
}

// Text returns all lines.
func (s *Screen) Text() string { return strings.Join(s.Lines(), "\n") }

// Has reports whether a text is on the screen, within a line.
func (s *Screen) Has(text string) bool { return strings.Contains(s.Text(), text) }

// Await waits until the screen is as wanted, and returns it. After most, or when the program has
// ended, that is an error, with the screen as it is.
func (t *Terminal) Await(most time.Duration, what string, wanted func(*Screen) bool) (*Screen, error) {
	timeout := time.After(most)
	for {
		t.mu.Lock()
		changed := t.changed
		t.mu.Unlock()
		s := t.Screen()
		if wanted(s) {
			return s, nil
		}
		select {
		case <-changed:
		case <-t.drained:
			if s = t.Screen(); wanted(s) {
				return s, nil
			}
			return s, fmt.Errorf("%s: the program has ended; on the screen:\n%s", what, s.Text())
		case <-timeout:
			return s, fmt.Errorf("%s: not within %s; on the screen:\n%s", what, most, s.Text())
		}
	}
}

// AwaitText waits for a text.
func (t *Terminal) AwaitText(most time.Duration, text string) (*Screen, error) {
	return t.Await(most, fmt.Sprintf("waiting for %q", text), func(s *Screen) bool { return s.Has(text) })
}

// Settle waits until the program has written nothing for a while, nor got anything to do, and
// returns the screen.
func (t *Terminal) Settle(quiet, most time.Duration) (*Screen, error) {
	for deadline := time.Now().Add(most); ; {
		t.mu.Lock()
		left := quiet - time.Since(t.last)
		t.mu.Unlock()
		if left <= 0 {
			return t.Screen(), nil
		}
		if time.Now().Add(left).After(deadline) {
			return t.Screen(), fmt.Errorf("the screen is still changing after %s", most)
		}
		time.Sleep(left)
	}
}
