package tui

import (
	"os"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/charmbracelet/x/ansi"

	"github.com/porttrace/porttrace/tui/clip"
)

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
