package printable

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// JSON returns encoded JSON with all that is not ASCII, and DEL, in the \u form (RFC 8259,
// section 7), which loses nothing and leaves a terminal in peace. encoding/json escapes
// the other control characters itself.
func JSON(text []byte) []byte {
	special := func(r rune) bool { return r >= '\x7f' }
	if bytes.IndexFunc(text, special) < 0 {
		return text
	}
	out := make([]byte, 0, 2*len(text))
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		text = text[size:]
		if !special(r) {
			out = append(out, byte(r))
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			const hex = "0123456789abcdef"
			out = append(out, '\\', 'u', hex[unit>>12], hex[unit>>8&15], hex[unit>>4&15], hex[unit&15])
		}
	}
	return out
}
