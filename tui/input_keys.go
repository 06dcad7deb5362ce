package tui

import (
	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"
)

// keyMap has every key. The help lists them.
type keyMap struct {
	up, down, pageUp, pageDown, top, bottom key.Binding

	first, second, third, fourth, nextTab, prevTab key.Binding
	open, why, back                                key.Binding

	nextSort, prevSort, reverse, filter, group, pause key.Binding

	play, step, stepBack, faster, slower             key.Binding
	incident, incidentBefore                         key.Binding
	backward, forward, farBackward, farForward, goTo key.Binding

	help, suspend, quit, interrupt key.Binding
}

// newKeys returns the keys, with those of a replay or of a live screen enabled.
func newKeys(replay bool) *keyMap {
	bind := func(shown, does string, keys ...string) key.Binding {
		return key.NewBinding(key.WithKeys(keys...), key.WithHelp(shown, does))
	}
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
		nextTab: bind("Tab →", "next table", "tab", "right", "l"),
		prevTab: bind("S-Tab ←", "previous table", "shift+tab", "left", "h"),
		open:    bind("Enter", "details of the row", "enter"),
		why:     bind("w", "why, and what to do", "w"),
		back:    bind("Esc", "back, or clear the filter", "esc", "backspace"),

		nextSort: bind("s >", "sort by the next column", "s", ">"),
		prevSort: bind("S <", "sort by the previous column", "S", "<"),
		reverse:  bind("r", "reverse the order", "r"),
		filter:   bind("/", "filter rows by words", "/"),
		group:    bind("g", "cycle grouping of processes", "g"),
		pause:    bind("p Space", "freeze the display", "p", "space"),

		play:     bind("p Space", "play or pause", "p", "space"),
		step:     bind(".", "one second forward", "."),
		stepBack: bind(",", "one second back", ","),
		faster:   bind("+ =", "faster", "+", "="),
		slower:   bind("-", "slower", "-"),

		incident:       bind("n x", "next incident", "n", "x"),
		incidentBefore: bind("N X", "previous incident", "N", "X"),
		// Arrows with Shift and Ctrl are for keyboards on which brackets are hard to type;
		// the plain ones switch tables.
		backward:    bind("[ S-←", "back by 1 %", "[", "shift+left"),
		forward:     bind("] S-→", "forward by 1 %", "]", "shift+right"),
		farBackward: bind("{ ^←", "back by 10 %", "{", "ctrl+left"),
		farForward:  bind("} ^→", "forward by 10 %", "}", "ctrl+right"),
		goTo:        bind(":", "go to 03:12, 50%, +10s", ":"),

		help:      bind("?", "this help", "?"),
		suspend:   bind("^Z", "suspend", "ctrl+z"),
		quit:      bind("q ^C", "quit", "q", "ctrl+c"),
		interrupt: key.NewBinding(key.WithKeys("ctrl+c")), // also while something is typed
	}
	for _, binding := range []*key.Binding{
		&k.play, &k.step, &k.stepBack, &k.faster, &k.slower, &k.incident, &k.incidentBefore,
		&k.backward, &k.forward, &k.farBackward, &k.farForward, &k.goTo,
	} {
		binding.SetEnabled(replay)
	}
	k.pause.SetEnabled(!replay)
	return k
}

// groups returns the keys in the order of the help, in pairs of columns.
func (k *keyMap) groups() [][2][]key.Binding {
	groups := [][2][]key.Binding{{
		{k.first, k.second, k.third, k.fourth, k.nextTab, k.prevTab, k.open, k.why, k.back, k.help, k.suspend, k.quit},
		{k.up, k.down, k.pageUp, k.pageDown, k.top, k.bottom, k.nextSort, k.prevSort, k.reverse, k.filter, k.group},
	}}
	if k.pause.Enabled() {
		groups[0][1] = append(groups[0][1], k.pause)
		return groups
	}
	return append(groups, [2][]key.Binding{
		{k.play, k.step, k.stepBack, k.faster, k.slower, k.goTo},
		{k.incident, k.incidentBefore, k.backward, k.forward, k.farBackward, k.farForward},
	})
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
