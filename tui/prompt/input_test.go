package prompt

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"
)

// key returns the key of a name: a letter, or as Keystroke has it.
func key(name string) tea.KeyPressMsg {
	if utf8.RuneCountInString(name) == 1 {
		r, _ := utf8.DecodeRuneInString(name)
		return tea.KeyPressMsg{Code: r, Text: name}
	}
	var msg tea.KeyPressMsg
	for {
		mod, rest, found := strings.Cut(name, "+")
		if !found {
			break
		}
		name = rest
		msg.Mod |= map[string]tea.KeyMod{"ctrl": tea.ModCtrl, "alt": tea.ModAlt, "shift": tea.ModShift}[mod]
	}
	codes := map[string]rune{
		"enter": tea.KeyEnter, "esc": tea.KeyEscape, "tab": tea.KeyTab, "backspace": tea.KeyBackspace, "delete": tea.KeyDelete,
		"left": tea.KeyLeft, "right": tea.KeyRight, "up": tea.KeyUp, "down": tea.KeyDown, "home": tea.KeyHome, "end": tea.KeyEnd,
	}
	if code, ok := codes[name]; ok {
		msg.Code = code
		return msg
	}
	msg.Code, _ = utf8.DecodeRuneInString(name)
	return msg
}

// keys returns the keys of a text in which <...> is the name of one.
func keys(text string) []tea.KeyPressMsg {
	var all []tea.KeyPressMsg
	for text != "" {
		if strings.HasPrefix(text, "<") {
			name, rest, _ := strings.Cut(text[1:], ">")
			all, text = append(all, key(name)), rest
			continue
		}
		_, size := utf8.DecodeRuneInString(text)
		all, text = append(all, key(text[:size])), text[size:]
	}
	return all
}

// marked shows the cursor as [x].
var marked = Styles{Cursor: func(s string) string { return "[" + s + "]" }}

func TestInput(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		"":                              "[ ]",
		"ab":                            "ab[ ]",
		"ab<left>":                      "a[b]",
		"ab<left><left><left>x":         "x[a]b",
		"ab<home><right>x":              "ax[b]",
		"ab<ctrl+a>x<ctrl+e>y":          "xaby[ ]",
		"abc<left><backspace>":          "a[c]",
		"abc<left><left><delete>":       "a[c]",
		"ab<delete><end>":               "ab[ ]",
		"<backspace>":                   "[ ]",
		"ab cd  <ctrl+w>":               "ab [ ]",
		"ab cd<ctrl+w><ctrl+w><ctrl+w>": "[ ]",
		"ab cd<left><ctrl+u>":           "[d]",
		"ab cd<ctrl+left><ctrl+k>":      "ab [ ]",
		"ab cd<alt+b><alt+b><alt+d>":    "[ ]cd",
		"ab<left><alt+d>":               "a[ ]", // Bubbles 2.2.1 panics here
		"ab cd<home><ctrl+right>x":      "abx[ ]cd",
		"日本<left>":                      "日[本]",
		"日本<left><backspace>":           "[本]",
		"e\u0301x<left><left><delete>":  "[x]",
		"ab<ctrl+x><alt+z>":             "ab[ ]",
	} {
		var in Input
		for _, msg := range keys(typed) {
			in.Press(msg)
		}
		if got, _ := in.View(40, "", &marked); got != want {
			t.Errorf("%s: %s, want %s", typed, got, want)
		}
	}
}

func TestPaste(t *testing.T) {
	t.Parallel()
	var in Input
	in.Set("ac")
	in.Press(key("left"))
	in.Insert("x\r\ny\t\x1b[31mz")
	if got := in.Text(); got != `ax y \x1b[31mzc` {
		t.Errorf("%q", got)
	}
	in.Insert(strings.Repeat("x", maxText))
	if got := in.Text(); len(got) != len(`ax y \x1b[31mzc`) {
		t.Errorf("a text of %d bytes was inserted", len(got))
	}
}

// TestInputView checks that the cursor is within the width and where it is said to be.
func TestInputView(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		text   string
		left   int
		ghost  string
		width  int
		want   string
		cursor int
	}{
		{"abcdef", 0, "", 4, "def[ ]", 3},
		{"abcdef", 1, "", 4, "cde[f]", 3},
		{"abcdef", 6, "", 4, "[a]bcd", 0},
		{"日本語", 0, "", 4, "語[ ]", 2},
		{"日本x", 1, "", 10, "日本[x]", 4},
		{"de", 0, "stinations", 6, "de[s]tin", 2},
		{"de", 1, "stinations", 6, "d[e]", 1},
		{"", 0, "", 0, "[ ]", 0},
	} {
		var in Input
		in.Set(test.text)
		for range test.left {
			in.Press(key("left"))
		}
		got, cursor := in.View(test.width, test.ghost, &marked)
		if got != test.want || cursor != test.cursor {
			t.Errorf("%s in %d: %s at %d, want %s at %d", test.text, test.width, got, cursor, test.want, test.cursor)
		}
	}
	var in Input
	in.Set("de")
	if got, _ := in.View(9, "st", &Styles{}); got != "dest" {
		t.Errorf("with the cursor of the terminal: %q", got)
	}
}

// TestViewWithinLetter: the space that an accent was on is removed, so that the cursor is within the letter
// before it.
func TestViewWithinLetter(t *testing.T) {
	var in Input
	in.Set("日 \u0301")
	in.Press(key("ctrl+left"))
	in.Press(key("backspace"))
	if line, cursor := in.View(2, "", &Styles{}); cursor != 0 || cells(line) > 2 {
		t.Errorf("%q, the cursor is at %d", line, cursor)
	}
}

// longestTyped is in bytes. Each key is followed by a view of all that was typed, so that the time grows by its
// square: 2,000 bytes take 0.2 s, and several times as much while the fuzzer counts what is covered. What takes
// ten seconds on a busy machine is a failure to it.
const longestTyped = 500

func FuzzInput(f *testing.F) {
	f.Add("ab<left>cd", "日e\u0301")
	f.Add("<alt+d><ctrl+w>", "\x00\xff")
	names := []string{
		"left", "right", "home", "end", "backspace", "delete", "ctrl+w", "alt+d", "ctrl+u", "ctrl+k",
		"ctrl+left", "ctrl+right",
	}
	f.Fuzz(func(t *testing.T, typed, pasted string) {
		if len(typed)+len(pasted) > longestTyped {
			return
		}
		var in Input
		in.Insert(pasted)
		for i, r := range typed {
			if i%3 == 0 {
				in.Press(key(names[int(r)%len(names)]))
			} else {
				in.Press(tea.KeyPressMsg{Code: r, Text: string(r)})
			}
			width := i%20 + 2
			line, cursor := in.View(width, "ghost", &Styles{})
			if cursor < 0 || cursor >= width || cells(line) > width+cells("g") || strings.ContainsFunc(line, unicode.IsControl) || !utf8.ValidString(line) {
				t.Fatalf("%q has the cursor at %d of %d", line, cursor, width)
			}
		}
	})
}
