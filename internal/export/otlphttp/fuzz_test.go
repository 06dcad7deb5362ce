package otlphttp

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzLine has any answer of a collector in an error: it is one short line of text.
func FuzzLine(f *testing.F) {
	f.Add("failed to send logs to http://h/v1/logs: 500 \x1b[2J (body: a\r\nb)")
	f.Add(strings.Repeat("\xff", 2*maxLine))
	f.Fuzz(func(t *testing.T, text string) {
		shown := line(errors.New(text))
		if strings.ContainsAny(shown, "\n\r\x1b") || !utf8.ValidString(shown) || len(shown) > 5*maxLine {
			t.Errorf("%q", shown)
		}
	})
}
