package export

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	table "github.com/porttrace/porttrace/internal/export/parquet"
)

// TestTableAgreesWithCSV compares each cell, as another implementation reads it, with that of CSV.
func TestTableAgreesWithCSV(t *testing.T) {
	t.Parallel()
	var out, rows bytes.Buffer
	w, err := NewParquet(&out, "test")
	if err != nil {
		t.Fatal(err)
	}
	c, err := NewCSV(&rows)
	if err != nil {
		t.Fatal(err)
	}
	writeAll(t, w)
	writeAll(t, c)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	want, err := csv.NewReader(&rows).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	file, err := parquet.OpenFile(bytes.NewReader(out.Bytes()), int64(out.Len()))
	if err != nil {
		t.Fatal(err)
	}
	got := make([]parquet.Row, len(want))
	if n, err := parquet.NewReader(file).ReadRows(got); n != len(each()) || err != nil && !errors.Is(err, io.EOF) {
		t.Fatalf("%d rows of %d: %v", n, len(each()), err)
	}
	for i, name := range want[0] {
		if tableColumns[i].Name != name {
			t.Fatalf("column %d is %s, of CSV %s", i, tableColumns[i].Name, name)
		}
		for n, cells := range want[1:] {
			if text := shown(tableColumns[i].Kind, got[n][i]); text != cells[i] {
				t.Errorf("row %d: %s is %q, in CSV %q", n, name, text, cells[i])
			}
		}
	}
}

// shown returns a value as CSV has it.
func shown(kind table.Kind, v parquet.Value) string {
	switch {
	case v.IsNull():
		return ""
	case kind == table.String:
		return v.String()
	case kind == table.Bool:
		return strconv.FormatBool(v.Boolean())
	case kind == table.Time:
		return time.Unix(0, v.Int64()).UTC().Format(timeLayout)
	case kind == table.Uint16 || kind == table.Uint32:
		return strconv.FormatUint(uint64(v.Uint32()), 10)
	}
	return strconv.FormatUint(v.Uint64(), 10)
}

// TestTableOfSpaces: what only JSON has of a port space has columns of its own.
func TestTableOfSpaces(t *testing.T) {
	t.Parallel()
	var last []string
	for _, column := range tableColumns[len(columns):] {
		last = append(last, column.Name)
	}
	want := []string{"holder_pid", "holder_exe", "capacity", "in_use", "live", "time_wait_ports", "bound", "headroom", "reusable"}
	if !slices.Equal(last, want) {
		t.Errorf("%q, want %q", last, want)
	}
}
