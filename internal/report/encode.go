package report

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"strings"

	"github.com/porttrace/porttrace/internal/printable"
)

// indent is that of each level of the JSON report.
const indent = "  "

// encode writes printable ASCII only: a terminal may show the report, with names from outside. It encodes
// one row of a list after another: a whole report can have 30 MB, which encoding/json would hold twice. The
// fields of the object all have a name, and none is left out if it is empty.
func encode(w io.Writer, object any) error {
	e := encoder{out: bufio.NewWriter(w)}
	v := reflect.ValueOf(object)
	e.each("{", "}", "", v.NumField(), func(i int) {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		e.text(`"` + name + `": `)
		e.field(v.Field(i))
	})
	e.text("\n")
	if e.err != nil {
		return fmt.Errorf("writing report: %w", e.err)
	}
	return e.out.Flush()
}

// encoder writes what has the form of json.Encoder with an indent.
type encoder struct {
	out   *bufio.Writer
	err   error // the first one of a value; that of a write stays with out
	value bytes.Buffer
}

func (e *encoder) text(s string) { _, _ = e.out.WriteString(s) } // Flush returns the error

// each writes parts in brackets, each on a line of its own, at one level more than those.
func (e *encoder) each(begin, end, level string, parts int, part func(int)) {
	e.text(begin)
	for i := range parts {
		if i > 0 {
			e.text(",")
		}
		e.text("\n" + level + indent)
		part(i)
	}
	e.text("\n" + level + end)
}

func (e *encoder) field(v reflect.Value) {
	if v.Kind() != reflect.Slice || v.Len() == 0 {
		e.encode(v, indent)
		return
	}
	e.each("[", "]", indent, v.Len(), func(i int) { e.encode(v.Index(i), indent+indent) })
}

// encode writes a value of which the first line begins at a level.
func (e *encoder) encode(v reflect.Value, level string) {
	e.value.Reset()
	one := json.NewEncoder(&e.value)
	one.SetEscapeHTML(false) // the report is no HTML, and paths can have an &
	one.SetIndent(level, indent)
	if err := one.Encode(v.Interface()); err != nil && e.err == nil {
		e.err = err
	}
	_, _ = e.out.Write(printable.JSON(bytes.TrimSuffix(e.value.Bytes(), []byte("\n"))))
}
