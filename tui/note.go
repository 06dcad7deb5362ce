package tui

import (
	"os"
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/porttrace/porttrace/internal/printable"
	"github.com/porttrace/porttrace/internal/verdict"
	"github.com/porttrace/porttrace/tui/clip"
)

// note is what a key has done, or why it does nothing here, in the last line until the next key.
type note struct {
	tone tone
	text string
}

func (m *Model) say(t tone, text string) { m.note = note{t, text} }

// goToFailing moves the cursor to the next row in trouble, or the previous one.
func (m *Model) goToFailing(step int) {
	if !m.panes[m.tab].nextFailing(step) {
		where := "below"
		if step < 0 {
			where = "above"
		}
		m.say(quiet, "no row in trouble "+where+" the cursor")
	}
}

// copyRow copies the row under the cursor, copyPage all that is on the page.
func (m *Model) copyRow() tea.Cmd {
	page := m.page()
	switch {
	case page != nil && page.copies() != "":
		return clip.Copy(page.copies(), os.Getenv)
	case page != nil && len(page.doors) > 0:
		return m.copied(page.lines[page.doors[page.cursor].line : page.doors[page.cursor].line+1])
	case page != nil:
		return m.copied(page.lines)
	}
	return m.copied(m.panes[m.tab].currentLine(m.styles))
}

// copies returns what the door under the cursor has to copy, if that is not its line.
func (d *detail) copies() string {
	if d.cursor < len(d.doors) {
		return d.doors[d.cursor].copy
	}
	return ""
}

func (m *Model) copyPage() tea.Cmd {
	if page := m.page(); page != nil {
		return m.copied(page.lines)
	}
	return m.copied(m.lines())
}

// copied hands lines to the clipboard of the terminal (OSC 52).
func (m *Model) copied(lines []string) tea.Cmd {
	if len(lines) == 0 {
		m.say(quiet, "there is nothing to copy")
		return nil
	}
	var text []string
	for _, line := range lines {
		text = append(text, strings.TrimRight(ansi.Strip(line), " "))
	}
	return clip.Copy(strings.Join(text, "\n"), os.Getenv)
}

// toggleMouse gives the mouse to the terminal, to select text with, or takes it.
func (m *Model) toggleMouse() {
	m.free = !m.free
	if m.free {
		m.say(good, "the mouse selects text; m takes it back")
		return
	}
	m.say(good, "the mouse opens tabs, columns and rows; m gives it back")
}

// windowTitle returns the title of the terminal's window: it says what is wrong when the screen is
// not seen.
func (m *Model) windowTitle() string {
	if m.title == "" || m.shown == nil || m.verdict.Level < verdict.Soon {
		return m.title
	}
	return verdictSigns[m.verdict.Level] + " " + printable.String(m.verdict.Title) + " - " + m.title
}
