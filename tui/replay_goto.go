package tui

import tea "charm.land/bubbletea/v2"

// goTo is the prompt for a moment of the recording.
type goTo struct {
	lineInput
	fault string // why the text is not a moment of the recording
}

// typeGoTo handles a key of the prompt.
func (r *replay) typeGoTo(msg tea.KeyPressMsg) {
	switch msg.Keystroke() {
	case "enter":
		r.arrive()
	case "esc":
		r.goTo = nil
	default:
		r.goTo.fault = ""
		r.goTo.press(msg)
	}
}

// arrive seeks the moment typed. Text that it cannot parse stays, to be corrected.
func (r *replay) arrive() {
	at, err := r.playback.Moment(r.goTo.text)
	if err != nil {
		r.goTo.fault = err.Error()
		return
	}
	r.player.Seek(at)
	r.goTo = nil
}

// maxTyped is the visible width of the text; every valid moment fits.
const maxTyped = 36

func (g *goTo) statusLine(width int, st *styles) string {
	left := " go to: " + cut(g.text, maxTyped) + "_ "
	switch {
	case g.fault == "":
		return ends(left, "Enter goes there, Esc stays here ", width)
	case cells(left)+1+cells(g.fault) > width:
		left = "" // it is there again at the next key
	}
	return cut(left+" "+st.paint(warn, g.fault), width)
}
