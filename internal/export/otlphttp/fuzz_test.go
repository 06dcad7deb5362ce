package otlphttp

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzAnswer has any answer of a collector, and any headers: an error is one short line of text, and no
// header has a name or a value that a request cannot have.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte(`{"partialSuccess":{"rejectedLogRecords":"5","errorMessage":"too old"}}`), "200 OK", "api-key=a%20b, x = 1")
	f.Add([]byte(`{"partialSuccess":{"rejectedLogRecords":5}}`), "400 Bad\r\nRequest", "=,a")
	f.Add([]byte(`{"message":"\u001b[2J"}`), "500 \x1b[2J", "a%0d%0a=b%0d%0ac=d")
	f.Fuzz(func(t *testing.T, answer []byte, status, headers string) {
		for _, err := range []error{rejected(answer), said(status, answer)} {
			if err == nil {
				continue
			}
			if text := err.Error(); strings.ContainsAny(text, "\n\r\x1b") || !utf8.ValidString(text) || len(text) > 2000 {
				t.Errorf("%q", text)
			}
		}
		c, err := New(t.Context(), "http://127.0.0.1:1", headers)
		if err != nil {
			t.Fatal(err)
		}
		if len(c.headers) > strings.Count(headers, "=") {
			t.Errorf("%q are the headers %q", headers, c.headers)
		}
	})
}
