package export

import (
	"bytes"
	"encoding/json"
	"io"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/porttrace/porttrace/internal/event"
)

type jsonWriter struct {
	out     io.Writer
	line    bytes.Buffer
	encoder *json.Encoder // to line
}

// NewJSON returns a Writer of JSON lines. They hold printable ASCII only: other
// characters are escaped, which loses nothing and leaves a terminal in peace; bytes
// that are not UTF-8 become U+FFFD.
func NewJSON(w io.Writer) Writer {
	j := &jsonWriter{out: w}
	j.encoder = json.NewEncoder(&j.line)
	j.encoder.SetEscapeHTML(false) // it is no HTML, and paths may hold an &
	return j
}

func (w *jsonWriter) Write(e *event.Event, c Context) error {
	r := newRecord(e, c)
	w.line.Reset()
	if err := w.encoder.Encode(&r); err != nil {
		return err
	}
	_, err := w.out.Write(escapeNonASCII(w.line.Bytes()))
	return err
}

// escapeNonASCII writes what is not ASCII, and DEL, in JSON's \u form (RFC 8259,
// section 7). encoding/json escapes the other control characters itself.
func escapeNonASCII(text []byte) []byte {
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
