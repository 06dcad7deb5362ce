package prompt

import (
	"strings"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/porttrace/porttrace/internal/printable"
)

// maxText bounds a line, in bytes.
const maxText = 256

// Input is a line of text that is edited. The zero value is empty.
//
// It is not the textinput of Bubbles (2.2.1): that one panics if Alt+D is pressed on the last
// letter, counts letters where it places the cursor, so that it is wrong after wide ones, and
// starts programs to read the clipboard.
type Input struct {
	text string
	at   int // the byte that the cursor is on: at len(text), behind the text
}

// Text returns the text.
func (in *Input) Text() string { return in.text }

// AtEnd reports whether the cursor is behind the text.
func (in *Input) AtEnd() bool { return in.at == len(in.text) }

// Set replaces the text and places the cursor behind it.
func (in *Input) Set(text string) {
	*in = Input{}
	in.Insert(text)
}

// Insert inserts text that was pasted at the cursor, made printable as the text on the screen
// is; line feeds and tabs become blanks. What is too long is not inserted.
func (in *Input) Insert(text string) {
	text = strings.NewReplacer("\r\n", " ", "\n", " ", "\r", " ", "\t", " ").Replace(text)
	head := printable.String(in.text[:in.at] + text) // with what it may be combined with
	if rest := in.text[in.at:]; len(head)+len(rest) <= maxText {
		in.text, in.at = head+rest, len(head)
	}
}

// Press takes a key, and reports whether it was one that edits or moves the cursor.
func (in *Input) Press(msg tea.KeyPressMsg) bool {
	switch msg.Keystroke() {
	case "left", "ctrl+b":
		in.at = in.before(in.at)
	case "right", "ctrl+f":
		in.at = in.after(in.at)
	case "ctrl+left", "alt+left", "alt+b":
		in.at = in.wordBefore()
	case "ctrl+right", "alt+right", "alt+f":
		in.at = in.wordAfter()
	case "home", "ctrl+a":
		in.at = 0
	case "end", "ctrl+e":
		in.at = len(in.text)
	case "backspace", "ctrl+h":
		in.remove(in.before(in.at), in.at)
	case "delete", "ctrl+d":
		in.remove(in.at, in.after(in.at))
	case "ctrl+w", "alt+backspace", "ctrl+backspace":
		in.remove(in.wordBefore(), in.at)
	case "alt+d", "alt+delete", "ctrl+delete":
		in.remove(in.at, in.wordAfter())
	case "ctrl+u":
		in.remove(0, in.at)
	case "ctrl+k":
		in.remove(in.at, len(in.text))
	default:
		in.Insert(msg.Text)
		return msg.Text != ""
	}
	return true
}

func (in *Input) remove(from, to int) {
	in.text = in.text[:from] + in.text[to:]
	in.at = from
}

// after returns where the letter at a place ends, with what is combined with it.
func (in *Input) after(at int) int {
	cluster, _ := ansi.FirstGraphemeCluster(in.text[at:], ansi.WcWidth)
	return at + len(cluster)
}

// before returns where the letter before a place begins.
func (in *Input) before(at int) int {
	start := 0
	for end := in.after(0); end < at; end = in.after(end) {
		start = end
	}
	return start
}

func (in *Input) wordBefore() int {
	words := strings.TrimRight(in.text[:in.at], " ")
	return strings.LastIndex(words, " ") + 1
}

func (in *Input) wordAfter() int {
	rest := strings.TrimLeft(in.text[in.at:], " ")
	start := len(in.text) - len(rest)
	if end := strings.IndexByte(rest, ' '); end >= 0 {
		return start + end
	}
	return len(in.text)
}

// View returns the text in a width of at least two cells, scrolled so that the cursor is
// seen, and the cell of the cursor. The ghost is shown behind the text while the cursor is.
func (in *Input) View(width int, ghost string, styles *Styles) (line string, cursor int) {
	width = max(width, 2)
	from := 0
	for in.at > from && cells(in.text[from:in.at]) >= width { // the cursor needs a cell
		from = min(in.after(from), in.at) // what was removed can have left the cursor within a letter
	}
	shown := ansi.TruncateWc(in.text[from:], width, "")
	cursor = cells(in.text[from:in.at])
	if at := in.at - from; at < len(shown) {
		end := min(in.after(in.at)-from, len(shown))
		return paint(styles.Text, shown[:at]) + paint(styles.Cursor, shown[at:end]) + paint(styles.Text, shown[end:]), cursor
	}
	under, rest := " ", ""
	if ghost != "" && in.AtEnd() {
		_, size := utf8.DecodeRuneInString(ghost)
		under, rest = ghost[:size], ansi.TruncateWc(ghost[size:], max(width-cursor-cells(ghost[:size]), 0), "")
	}
	if styles.Cursor == nil {
		return paint(styles.Text, shown) + paint(styles.Ghost, strings.TrimRight(under+rest, " ")), cursor
	}
	return paint(styles.Text, shown) + paint(styles.Cursor, under) + paint(styles.Ghost, rest), cursor
}

// cells returns the width of a text, by runes as the rest of the screen.
func cells(s string) int { return ansi.StringWidthWc(s) }
