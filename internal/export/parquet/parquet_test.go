package parquet

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"testing"
	"time"

	library "github.com/parquet-go/parquet-go"
)

var columns = []Column{
	{"text", String, false},
	{"flag", Bool, false},
	{"port", Uint16, true},
	{"pid", Uint32, false},
	{"cookie", Uint64, true},
	{"count", Int64, false},
	{"seconds", Double, false},
	{"time", Time, false},
}

var start = time.Date(2026, 11, 21, 3, 12, 0, 123456789, time.UTC)

// sample is the n-th row: every kind of value at its bounds, and nulls among them.
func sample(n int) []Value {
	row := []Value{
		Text(fmt.Sprint("name ", n%7)), Flag(n%2 == 0), Number(uint16(math.MaxUint16)), Number(uint32(math.MaxUint32)),
		Number(uint64(math.MaxUint64) - uint64(n)), Number(n), Float(float64(n) / 4), Moment(start.Add(time.Duration(n))),
	}
	for i, c := range columns {
		if !c.Required && (n+i)%5 == 0 {
			row[i] = Value{}
		}
	}
	return row
}

func write(t *testing.T, to io.Writer, rows int) *Writer {
	t.Helper()
	w, err := New(to, "test", columns)
	if err != nil {
		t.Fatal(err)
	}
	for n := range rows {
		if err := w.Row(sample(n)); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// TestLibraryReads: another implementation reads all values as they were written, over several
// row groups.
func TestLibraryReads(t *testing.T) {
	t.Parallel()
	for _, rows := range []int{0, 1, 8, groupRows, 2*groupRows + 5} {
		var out bytes.Buffer
		if err := write(t, &out, rows).Close(); err != nil {
			t.Fatal(err)
		}
		file, err := library.OpenFile(bytes.NewReader(out.Bytes()), int64(out.Len()))
		if err != nil {
			t.Fatal(err)
		}
		if got, want := len(file.RowGroups()), (rows+groupRows-1)/groupRows; got != want {
			t.Errorf("%d rows in %d row groups, want %d", rows, got, want)
		}
		reader := library.NewReader(file)
		buffer := make([]library.Row, 100)
		n := 0
		for err == nil {
			var read int
			read, err = reader.ReadRows(buffer)
			for _, row := range buffer[:read] {
				compare(t, n, row)
				n++
			}
		}
		if !errors.Is(err, io.EOF) || n != rows {
			t.Errorf("read %d of %d rows: %v", n, rows, err)
		}
	}
}

func compare(t *testing.T, n int, row library.Row) {
	t.Helper()
	for i, want := range sample(n) {
		got := row[i]
		if got.IsNull() != !want.known {
			t.Fatalf("row %d: %s is %v", n, columns[i].Name, got)
		}
		if got.IsNull() {
			continue
		}
		var bits uint64
		switch columns[i].Kind {
		case String:
			if got.String() != want.text {
				t.Fatalf("row %d: %s is %v, want %s", n, columns[i].Name, got, want.text)
			}
			continue
		case Bool:
			if got.Boolean() {
				bits = 1
			}
		case Uint16, Uint32:
			bits = uint64(got.Uint32())
		case Double:
			bits = math.Float64bits(got.Double())
		default:
			bits = got.Uint64()
		}
		if bits != want.bits {
			t.Fatalf("row %d: %s is %d, want %d", n, columns[i].Name, bits, want.bits)
		}
	}
}

// TestNoEndNoFile: what was not closed is refused by readers, wherever it ends.
func TestNoEndNoFile(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	w := write(t, &out, groupRows+1)
	for _, size := range []int{0, 4, 1000, out.Len()} {
		if _, err := library.OpenFile(bytes.NewReader(out.Bytes()[:size]), int64(size)); err == nil {
			t.Errorf("%d bytes without the end are taken for a file", size)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := library.OpenFile(bytes.NewReader(out.Bytes()), int64(out.Len())); err != nil {
		t.Error(err)
	}
}

// TestBounded: long texts that are all different end a row group early.
func TestBounded(t *testing.T) {
	t.Parallel()
	w, err := New(io.Discard, "test", columns[:1])
	if err != nil {
		t.Fatal(err)
	}
	long := string(bytes.Repeat([]byte("x"), 4000))
	for n := range 20_000 {
		if err := w.Row([]Value{Text(fmt.Sprint(n, long))}); err != nil {
			t.Fatal(err)
		}
		if kept := len(w.columns[0].values); kept > groupBytes {
			t.Fatalf("%d bytes are kept", kept)
		}
	}
	if len(w.groups) == 0 {
		t.Error("no row group is written")
	}
}

type full struct{ left int }

func (f *full) Write(b []byte) (int, error) {
	if f.left -= len(b); f.left < 0 {
		return 0, io.ErrShortWrite
	}
	return len(b), nil
}

func TestErrors(t *testing.T) {
	t.Parallel()
	if _, err := New(&full{3}, "test", columns); err == nil {
		t.Error("a full disk is not noticed at the beginning")
	}
	for _, room := range []int{4, 50, 400, 1500} {
		if err := write(t, &full{room}, 100).Close(); !errors.Is(err, io.ErrShortWrite) {
			t.Errorf("room for %d bytes: %v", room, err)
		}
	}
}

func BenchmarkRow(b *testing.B) {
	w, err := New(io.Discard, "test", columns)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		if err := w.Row(sample(n)); err != nil {
			b.Fatal(err)
		}
		n++
	}
}
