package tui

import (
	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"
)

// keyMap has every key. The help lists them.
type keyMap struct {
	up, down, pageUp, pageDown, top, bottom key.Binding

	first, second, third, fourth, fifth, nextTab, prevTab key.Binding
	open, why, back                                       key.Binding

	chooseSort, nextSort, prevSort, reverse, filter, group, pause key.Binding
	nextFailing, prevFailing                                      key.Binding

	fold, freeze, columns, copy, copyPage, trace, events, record, keep, mouse key.Binding

	command key.Binding

	play, step, stepBack, faster, slower       key.Binding
	incident, incidentBefore                   key.Binding
	backward, forward, farBackward, farForward key.Binding

	earlier, later, muchEarlier, muchLater key.Binding // of a live screen

	help, suspend, quit, interrupt key.Binding
}

// bind returns a key with how it is shown, and what it does.
func bind(shown, does string, keys ...string) key.Binding {
	return key.NewBinding(key.WithKeys(keys...), key.WithHelp(shown, does))
}

// newKeys returns the keys, with those of a replay or of a live screen enabled.
func newKeys(replay bool) *keyMap {
	k := &keyMap{
		up:       bind("↑ k", "up", "up", "k"),
		down:     bind("↓ j", "down", "down", "j"),
		pageUp:   bind("PgUp ^B", "a page up", "pgup", "ctrl+b"),
		pageDown: bind("PgDn ^F", "a page down", "pgdown", "ctrl+f"),
		top:      bind("Home", "first row", "home"),
		bottom:   bind("End G", "last row", "end", "G"),

		first:   bind("1", "port spaces", "1"),
		second:  bind("2", "processes", "2"),
		third:   bind("3", "destinations", "3"),
		fourth:  bind("4", "failures", "4"),
		fifth:   bind("5", "events", "5"),
		nextTab: bind("Tab →", "next table", "tab", "right", "l"),
		prevTab: bind("S-Tab ←", "previous table", "shift+tab", "left", "h"),
		open:    bind("Enter", "details of the row", "enter"),
		why:     bind("w", "why, and what to do", "w"),
		back:    bind("Esc", "back, or clear the filter", "esc", "backspace"),

		chooseSort:  bind("s", "choose the column to sort by", "s"),
		nextSort:    bind(">", "sort by the next column", ">"),
		prevSort:    bind("<", "sort by the previous column", "<"),
		nextFailing: bind("x", "next row in trouble", "x"),
		prevFailing: bind("X", "previous row in trouble", "X"),
		reverse:     bind("r", "reverse the order", "r"),
		filter:      bind("/", "filter rows by words", "/"),
		group:       bind("g", "cycle grouping of processes", "g"),
		pause:       bind("p Space", "freeze the display", "p", "space"),

		fold:     bind("a", "show idle rows, or fold them", "a"),
		freeze:   bind("f", "freeze the order of the rows", "f"),
		columns:  bind("o", "choose columns", "o"),
		copy:     bind("y", "copy the row", "y"),
		copyPage: bind("Y", "copy the page", "Y"),
		trace:    bind("c", "how it is traced", "c"),
		events:   bind("e", "events of the row", "e"),
		record:   bind("R", "start or stop a recording", "R"),
		keep:     bind("F", "keep the last minutes", "F"),
		mouse:    bind("m", "give the mouse back to the terminal", "m"),

		command: bind(":", "a command; in a replay also 03:12, 50%, +10s", ":"),

		help:      bind("?", "this help", "?"),
		suspend:   bind("^Z", "suspend", "ctrl+z"),
		quit:      bind("q ^C", "quit", "q", "ctrl+c"),
		interrupt: key.NewBinding(key.WithKeys("ctrl+c")), // also while something is typed
	}
	k.bindReplay()
	k.bindPast()
	k.enable(replay)
	return k
}

// bindReplay binds the keys that control a replay.
func (k *keyMap) bindReplay() {
	k.play = bind("p Space", "play or pause", "p", "space")
	k.step = bind(".", "one second forward", ".")
	k.stepBack = bind(",", "one second back", ",")
	k.faster = bind("+ =", "faster", "+", "=")
	k.slower = bind("-", "slower", "-")

	k.incident = bind("n", "next incident", "n")
	k.incidentBefore = bind("N", "previous incident", "N")
	// Arrows with Shift and Ctrl are for keyboards on which brackets are hard to type;
	// the plain ones switch tables.
	k.backward = bind("[ S-←", "back by 1 %", "[", "shift+left")
	k.forward = bind("] S-→", "forward by 1 %", "]", "shift+right")
	k.farBackward = bind("{ ^←", "back by 10 %", "{", "ctrl+left")
	k.farForward = bind("} ^→", "forward by 10 %", "}", "ctrl+right")
}

// bindPast binds the keys that go back in a live screen.
func (k *keyMap) bindPast() {
	k.earlier = bind("[", "back by 2 s, while tracing goes on", "[")
	k.later = bind("]", "forward by 2 s", "]")
	k.muchEarlier = bind("{", "back by 20 s", "{")
	k.muchLater = bind("}", "forward by 20 s", "}")
}

// enable enables the keys of a replay or those of a live screen.
func (k *keyMap) enable(replay bool) {
	for _, binding := range []*key.Binding{
		&k.play, &k.step, &k.stepBack, &k.faster, &k.slower, &k.incident, &k.incidentBefore,
		&k.backward, &k.forward, &k.farBackward, &k.farForward,
	} {
		binding.SetEnabled(replay)
	}
	for _, binding := range []*key.Binding{&k.pause, &k.earlier, &k.later, &k.muchEarlier, &k.muchLater} {
		binding.SetEnabled(!replay)
	}
}

// keyGroup is keys that belong together, in the help.
type keyGroup struct {
	title string
	keys  []key.Binding
}

// groups returns the keys in the order of the help.
func (k *keyMap) groups() []keyGroup {
	groups := []keyGroup{
		{"Go", []key.Binding{
			k.first, k.second, k.third, k.fourth, k.fifth, k.nextTab, k.prevTab, k.open, k.back, k.up, k.down, k.pageUp, k.pageDown, k.top, k.bottom,
		}},
		{"The row", []key.Binding{k.why, k.events, k.copy, k.copyPage, k.nextFailing, k.prevFailing}},
		{"The table", []key.Binding{
			k.filter, k.chooseSort, k.nextSort, k.prevSort, k.reverse, k.group, k.columns, k.fold, k.freeze,
		}},
	}
	if k.pause.Enabled() {
		groups = append(groups, keyGroup{"Time", []key.Binding{k.pause, k.earlier, k.later, k.muchEarlier, k.muchLater, k.record, k.keep}})
	} else {
		groups = append(groups, keyGroup{"The recording", []key.Binding{
			k.play, k.step, k.stepBack, k.faster, k.slower, k.incident, k.incidentBefore, k.backward, k.forward, k.farBackward, k.farForward,
		}})
	}
	return append(groups, keyGroup{"porttrace", []key.Binding{k.command, k.trace, k.mouse, k.help, k.suspend, k.quit}})
}

// motion is a way to move through rows or lines.
type motion uint8

const (
	still motion = iota
	lineUp
	lineDown
	pageUp
	pageDown
	toTop
	toBottom
)

func (k *keyMap) motion(msg tea.KeyPressMsg) motion {
	switch {
	case key.Matches(msg, k.up):
		return lineUp
	case key.Matches(msg, k.down):
		return lineDown
	case key.Matches(msg, k.pageUp):
		return pageUp
	case key.Matches(msg, k.pageDown):
		return pageDown
	case key.Matches(msg, k.top):
		return toTop
	case key.Matches(msg, k.bottom):
		return toBottom
	}
	return still
}

// apply returns the new position among n for one at pos, with pages of height.
func (to motion) apply(pos, n, height int) int {
	switch to {
	case lineUp:
		pos--
	case lineDown:
		pos++
	case pageUp:
		pos -= max(height, 1)
	case pageDown:
		pos += max(height, 1)
	case toTop:
		pos = 0
	case toBottom:
		pos = n - 1
	}
	return clamp(pos, n)
}

// clamp returns pos within 0 and n-1, 0 if n is 0.
func clamp(pos, n int) int { return max(min(pos, n-1), 0) }
