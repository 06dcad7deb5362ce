package chart

const freeGlyph = '·'

// levels are the characters of a state from a slice hardly used to one wholly used. The last
// one is only for a slice without a free port.
type levels []rune

func (l levels) at(used float64) rune {
	last := len(l) - 1
	if used >= 1 {
		return l[last]
	}
	return l[min(int(used*float64(last)), max(last-1, 0))]
}

// glyphs can be read without colours: solid, dotted, lines, and letters.
var glyphs = [States]levels{
	Open:      []rune("▂▄▆█"),
	SynSent:   []rune("sS"),
	CloseWait: []rune("cC"),
	TimeWait:  []rune("⣀⣤⣶▓"),
	Bound:     []rune("-=≡▒"),
	Listener:  []rune("lL"),
	Reserved:  []rune("xX"),
	Free:      {freeGlyph},
}

// timeWaitShades are for terminals whose font has no braille.
var timeWaitShades = levels(":░░▓")

func (m *PortMap) levels(state State) levels {
	if state == TimeWait && !m.Braille {
		return timeWaitShades
	}
	return glyphs[state]
}

// halves returns the characters of the first of two ports and of the second one.
func (m *PortMap) halves(state State) [2]rune {
	switch {
	case state == Open:
		return [2]rune{'▌', '▐'}
	case state == TimeWait && m.Braille:
		return [2]rune{'⡇', '⢸'}
	case state == TimeWait:
		return [2]rune{'░', ':'}
	case state == Bound:
		return [2]rune{'╴', '╶'}
	}
	return [2]rune{glyphs[state][0], glyphs[state][0]}
}
