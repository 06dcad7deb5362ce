package export

import (
	"bytes"
	"encoding/json"
	"io"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/printable"
)

type jsonWriter struct {
	out     io.Writer
	line    bytes.Buffer
	encoder *json.Encoder // to line
}

// NewJSON returns a Writer of JSON lines in printable ASCII: other characters are escaped,
// which loses nothing and cannot control a terminal; bytes that are not UTF-8 become U+FFFD.
func NewJSON(w io.Writer) Writer {
	j := &jsonWriter{out: w}
	j.encoder = json.NewEncoder(&j.line)
	j.encoder.SetEscapeHTML(false) // the output is no HTML, and paths can have an &
	return j
}

func (w *jsonWriter) Write(e *event.Event, c Context) error {
	w.line.Reset()
	if err := w.encode(e, c); err != nil {
		return err
	}
	_, err := w.out.Write(printable.JSON(w.line.Bytes()))
	return err
}

func (w *jsonWriter) encode(e *event.Event, c Context) error {
	if use, ok := e.Fact.(*event.SpaceUse); ok {
		s := newSpace(e, c, use)
		return w.encoder.Encode(&s)
	}
	r := newRecord(e, c)
	return w.encoder.Encode(&r)
}
