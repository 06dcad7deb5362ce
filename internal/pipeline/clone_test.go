package pipeline

import (
	"errors"
	"io"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/filter"
	"github.com/porttrace/porttrace/internal/record"
)

// TestClone: a clone goes on as the original would have, and the original is not touched by that.
func TestClone(t *testing.T) {
	t.Parallel()
	only, err := filter.Parse(filter.Request{Comm: []string{"s*"}})
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("../record/testdata/versions/*.ptrace")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for i, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			t.Parallel()
			var f *filter.Filter
			if i%2 == 1 {
				f = only
			}
			straight, original := play(t, NewState(f), name, 0, -1), play(t, NewState(f), name, 0, 400)
			before := original.Snapshot(0)
			packed := original.Pack()
			if size := packed.Bytes(); size < 1000 {
				t.Errorf("it takes %d bytes", size)
			}
			clone := packed.State()
			end := event.Time(1) << 60
			want := straight.Snapshot(end)
			if got := play(t, clone, name, 400, -1).Snapshot(end); !reflect.DeepEqual(got, want) {
				t.Errorf("the clone comes to\n%+v\nnot\n%+v", got, want)
			}
			if reflect.DeepEqual(before.Totals, want.Totals) {
				t.Error("nothing comes after the clone")
			}
			if got := original.Snapshot(0); !reflect.DeepEqual(got, before) {
				t.Errorf("the original has come to\n%+v\nfrom\n%+v", got, before)
			}
			if got := play(t, original, name, 400, -1).Snapshot(end); !reflect.DeepEqual(got, want) {
				t.Errorf("the original comes to\n%+v\nnot\n%+v", got, want)
			}
			if got := play(t, packed.State(), name, 400, -1).Snapshot(end); !reflect.DeepEqual(got, want) {
				t.Errorf("the second clone comes to\n%+v\nnot\n%+v", got, want)
			}
		})
	}
}

// play adds the batches of a recording from one on up to another, -1: to the end.
func play(t *testing.T, s *State, name string, from, to int) *State {
	t.Helper()
	r, file, err := record.OpenFile(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for i := 0; i != to; i++ {
		batch, err := r.Read(t.Context())
		if errors.Is(err, io.EOF) {
			return s
		}
		if err != nil {
			t.Fatal(err)
		}
		if i >= from {
			if err := s.Add(batch, nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	return s
}

// TestFunctionsOfAState: a clone has the functions of the original. Rebind must replace each that
// belongs to the original; those of the filter belong to neither.
func TestFunctionsOfAState(t *testing.T) {
	t.Parallel()
	want := []string{"scope.selectsNetns", "table.overflow", "table.settle"}
	var got []string
	seen := map[reflect.Type]bool{reflect.TypeFor[filter.Filter](): true}
	var visit func(reflect.Type)
	visit = func(typ reflect.Type) {
		if seen[typ] {
			return
		}
		seen[typ] = true
		switch typ.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Array:
			visit(typ.Elem())
		case reflect.Map:
			visit(typ.Key())
			visit(typ.Elem())
		case reflect.Struct:
			for i := range typ.NumField() {
				f := typ.Field(i)
				if f.Type.Kind() == reflect.Func {
					name, _, _ := strings.Cut(typ.Name(), "[") // of a generic type
					got = append(got, name+"."+f.Name)
				}
				visit(f.Type)
			}
		}
	}
	visit(reflect.TypeFor[State]())
	slices.Sort(got)
	if got = slices.Compact(got); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v: see aggregate.State.Rebind", got, want)
	}
}
