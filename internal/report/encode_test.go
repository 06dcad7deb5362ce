package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"testing"
)

type encoded struct {
	Name  string     `json:"name"`
	Rows  []any      `json:"rows"`
	None  []int      `json:"none"`
	Null  []int      `json:"null"`
	Other *encoded   `json:"other"`
	Deep  [][]string `json:"deep"`
}

// TestEncode: the form is that of encoding/json.
func TestEncode(t *testing.T) {
	t.Parallel()
	object := encoded{Name: "a & b <c>", Rows: []any{1, "x", map[string]any{"y": []int{2}}}, None: []int{}, Other: &encoded{}, Deep: [][]string{{"p", "q"}, {}}}
	var got, want bytes.Buffer
	out := json.NewEncoder(&want)
	out.SetEscapeHTML(false)
	out.SetIndent("", "  ")
	if err := errors.Join(encode(&got, object), out.Encode(object)); err != nil {
		t.Fatal(err)
	}
	if got.String() != want.String() {
		t.Errorf("got\n%s\nwant\n%s", &got, &want)
	}
}

type full struct{}

var errFull = errors.New("full")

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestEncodeErrors(t *testing.T) {
	t.Parallel()
	if err := encode(full{}, encoded{}); !errors.Is(err, errFull) {
		t.Errorf("a full disk: %v", err)
	}
	var unsupported *json.UnsupportedValueError
	if err := encode(&bytes.Buffer{}, encoded{Rows: []any{math.NaN()}}); !errors.As(err, &unsupported) {
		t.Errorf("no number: %v", err)
	}
}
