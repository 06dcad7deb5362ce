package tui

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/porttrace/porttrace/internal/snapshot"
	"github.com/porttrace/porttrace/tui/prompt"
	"github.com/porttrace/porttrace/tui/theme"
)

// newPrompt returns the line after ":", with every view and setting.
func (m *Model) newPrompt() *prompt.Prompt {
	var commands []prompt.Command
	for tab, name := range tabNames {
		commands = append(commands, prompt.Command{
			Name: strings.ToLower(strings.ReplaceAll(name, " ", "-")), Aliases: tabAliases[tab], Help: "the table of " + strings.ToLower(name),
			Run: func(string) error { m.show(tab); return nil },
		})
	}
	commands = append(commands, m.rowCommands()...)
	commands = append(commands, m.tableCommands()...)
	commands = append(commands, m.settingCommands()...)
	p := prompt.New(commands)
	p.Other = m.goToMoment
	return p
}

var tabAliases = [...][]string{{"spaces"}, {"ps"}, {"dest"}, {"fail"}, nil}

// rowCommands are about a row.
func (m *Model) rowCommands() []prompt.Command {
	plainly := func(name, help string, do func()) prompt.Command {
		return prompt.Command{Name: name, Help: help, Run: func(string) error { do(); return nil }}
	}
	return []prompt.Command{
		{Name: "process", Aliases: []string{"pid"}, Help: "a process by its pid or name", Args: m.processNames, Run: m.openProcess},
		{Name: "space", Help: "a port space by its name", Args: m.spaceNames, Run: m.openSpace},
		plainly("why", "why, and what to do, for the row under the cursor", m.openWhy),
		plainly("list", "the newest events of the row under the cursor", m.openEvents),
		plainly("tracing", "how it is traced, and what was lost", m.openTracing),
		{Name: "copy", Help: "copy the page", Run: func(string) error { m.after = m.copyPage(); return nil }},
	}
}

// tableCommands are about the table.
func (m *Model) tableCommands() []prompt.Command {
	titles := func(string) []string {
		var list []string
		for _, c := range m.panes[m.tab].columnStates() {
			list = append(list, c.title)
		}
		return list
	}
	return []prompt.Command{
		{Name: "filter", Help: "rows that match, as /", Run: func(text string) error {
			m.filter.set(text)
			m.refresh()
			return nil
		}},
		{Name: "sort", Help: "sort by a column", Args: titles, Run: func(title string) error {
			return m.withColumn(title, m.panes[m.tab].sortByColumn)
		}},
		{Name: "column", Help: "show a column, or hide it", Args: titles, Run: func(title string) error {
			return m.withColumn(title, m.panes[m.tab].toggleColumn)
		}},
		{Name: "group", Help: "group the processes", Args: groupings, Run: m.groupBy},
	}
}

func (m *Model) withColumn(title string, do func(string)) error {
	for _, c := range m.panes[m.tab].columnStates() {
		if strings.EqualFold(c.title, title) {
			do(c.title)
			return nil
		}
	}
	return fmt.Errorf("%s: this table has no such column; o lists them", quoted(title))
}

func groupings(string) []string {
	var list []string
	for _, by := range snapshot.Groupings() {
		list = append(list, string(by))
	}
	return list
}

func (m *Model) groupBy(name string) error {
	for _, by := range snapshot.Groupings() {
		if string(by) == name {
			m.show(processesTab)
			m.panes[processesTab].(*processes).groupBy(by)
			m.refresh()
			return nil
		}
	}
	return fmt.Errorf("%s: want one of %s", quoted(name), strings.Join(groupings(""), ", "))
}

// settingCommands change the screen.
func (m *Model) settingCommands() []prompt.Command {
	onOff := func(string) []string { return []string{"on", "off"} }
	toggle := func(name, help string, set func(on bool)) prompt.Command {
		return prompt.Command{Name: name, Help: help, Args: onOff, Run: func(arg string) error {
			if arg != "on" && arg != "off" {
				return fmt.Errorf("%s: want on or off", quoted(arg))
			}
			set(arg == "on")
			return nil
		}}
	}
	return []prompt.Command{
		{Name: "theme", Help: "colours: a name, or a file", Args: func(string) []string { return theme.Names() }, Run: m.setTheme},
		toggle("braille", "draw curves with braille dots, which are finer", func(on bool) { m.styles.braille = on }),
		toggle("mouse", "off gives the mouse back to the terminal", func(on bool) { m.free = !on }),
		toggle("bell", "ring when something fails that did not", func(on bool) { m.bell.on = on }),
		{Name: "record", Help: "begin a recording, or end it", Run: func(string) error { m.toggleRecording(); return nil }},
		{Name: "keep", Help: "keep the last minutes in a file", Run: func(string) error { m.keepLast(); return nil }},
		{Name: "help", Help: "keys and words", Run: func(string) error { m.help = &scroll{}; return nil }},
		{Name: "quit", Help: "leave", Run: func(string) error { m.after = tea.Quit; return nil }},
	}
}

func (m *Model) setTheme(name string) error {
	t, err := theme.Load(name)
	if err != nil {
		return err
	}
	m.theme = t
	m.restyle()
	return nil
}

// goToMoment goes to a moment of a replay.
func (m *Model) goToMoment(text string) (known bool, err error) {
	if m.replay == nil {
		return false, nil
	}
	at, err := m.replay.playback.Moment(text)
	if err != nil {
		return strings.ContainsAny(text, "0123456789"), fmt.Errorf("%s: %w", quoted(text), err)
	}
	m.replay.player.Seek(at)
	return true, nil
}

// processNames returns the processes as ":process" takes them.
func (m *Model) processNames(string) []string {
	var list []string
	if m.shown != nil {
		for i := range m.shown.Processes {
			if p := &m.shown.Processes[i].Info; p.ID.Known() {
				list = append(list, process(p.ID, p.Program(), maxName))
			}
		}
	}
	return list
}

func (m *Model) openProcess(name string) error {
	if m.shown != nil {
		for i := range m.shown.Processes {
			p := &m.shown.Processes[i].Info
			if full := process(p.ID, p.Program(), maxName); full == name || number(p.ID.PID) == name || p.Program() == name || p.Comm == name {
				m.show(processesTab)
				m.enter(processOf(m.shown, p.ID))
				return nil
			}
		}
	}
	return fmt.Errorf("%s: no such process in the table", quoted(name))
}

func (m *Model) spaceNames(string) []string {
	var list []string
	if m.shown != nil {
		for i := range m.shown.PortSpaces {
			list = append(list, spaceName(&m.shown.PortSpaces[i], 2*maxName))
		}
	}
	return list
}

func (m *Model) openSpace(name string) error {
	for i, full := range m.spaceNames("") {
		if full == name || strings.HasSuffix(full, " "+name) {
			m.show(spacesTab)
			m.enter(spaceOf(m.shown, m.shown.PortSpaces[i].ID()))
			return nil
		}
	}
	return fmt.Errorf("%s: no such port space in the table", quoted(name))
}
