package anonymize_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/porttrace/porttrace/internal/event"
)

// facts has a zero value of each fact.
var facts = map[string]event.Fact{
	"Host": &event.Host{}, "Signals": event.Signals{{}}, "Clock": event.Clock{}, "Process": &event.Process{}, "Netns": &event.Netns{},
	"NetnsCounts": &event.NetnsCounts{}, "FileUse": &event.FileUse{}, "UDPUse": &event.UDPUse{}, "Census": &event.Census{},
	"Fold": &event.Fold{}, "Health": &event.Health{}, "Text": event.Text(""), "Gap": &event.Gap{}, "SpaceUse": &event.SpaceUse{},
	"AddressStamp": &event.AddressStamp{},
}

// TestAllFacts: the facts of these tests are those of the package event.
func TestAllFacts(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(token.NewFileSet(), "../event/fact.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, declared := range file.Decls {
		method, ok := declared.(*ast.FuncDecl)
		if !ok || method.Name.Name != "fact" {
			continue
		}
		name := method.Recv.List[0].Type
		if pointer, is := name.(*ast.StarExpr); is {
			name = pointer.X
		}
		found++
		if facts[fmt.Sprint(name)] == nil {
			t.Errorf("the fact %v is not among those of the tests", name)
		}
	}
	if found != len(facts) {
		t.Errorf("%d facts, want %d", found, len(facts))
	}
}

// filler gives every field of a value something that can be found again.
type filler struct{ n int }

func (f *filler) fill(v reflect.Value) {
	f.n++
	switch {
	case v.Type() == reflect.TypeFor[event.Addr]():
		v.Set(reflect.ValueOf(event.AddrFrom(netip.AddrFrom4([4]byte{93, 184, byte(f.n), 34}))))
	case v.Kind() == reflect.String:
		v.SetString(fmt.Sprintf("original%d", f.n))
	case v.CanUint():
		v.SetUint(uint64(f.n % 100))
	case v.CanInt():
		v.SetInt(int64(f.n % 100))
	case v.Kind() == reflect.Bool:
		v.SetBool(true)
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		f.fill(v.Elem())
	case v.Kind() == reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		f.fill(v.Index(0))
		f.fill(v.Index(1))
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() && v.Field(i).Kind() != reflect.Interface {
				f.fill(v.Field(i))
			}
		}
	}
}

// filled returns an event with a fact, all fields of both with a value.
func filled(fact event.Fact) event.Event {
	var f filler
	var e event.Event
	f.fill(reflect.ValueOf(&e).Elem())
	v := reflect.New(reflect.TypeOf(fact)).Elem()
	f.fill(v)
	e.Fact = v.Interface().(event.Fact)
	return e
}

// TestEveryField: no text and no address of any field comes through but those of stays, and
// nothing else changes.
func TestEveryField(t *testing.T) {
	t.Parallel()
	for name, fact := range facts {
		before := filled(fact)
		stream, _ := newAnonymizer(t, secret).Source(&source{[]event.Batch{{Events: []event.Event{filled(fact)}}}}, nil)
		after := readAll(t, stream)[0]
		if after.Fact == nil {
			t.Errorf("%s: the fact is missing: anonymize.fact does not know it", name)
			continue
		}
		walk(reflect.ValueOf(after), "Event", func(field, s string) {
			if strings.Contains(s, "original") && stays[field] == "" {
				t.Errorf("%s: %s is %q", name, field, s)
			}
		}, func(a event.Addr) {
			if strings.HasPrefix(a.String(), "93.184.") {
				t.Errorf("%s: an address is %s", name, a)
			}
		})
		blank(&before)
		blank(&after)
		if !reflect.DeepEqual(before, after) {
			t.Errorf("%s: something else has changed:\n%+v\n%+v", name, before, after)
		}
	}
}

// TestUser: the id of a user is replaced, that of root is not.
func TestUser(t *testing.T) {
	t.Parallel()
	process := func(uid uint32) event.Event { return event.Event{Fact: &event.Process{UID: uid}} }
	stream, _ := newAnonymizer(t, secret).Source(&source{[]event.Batch{{Events: []event.Event{process(0), process(148213)}}}}, nil)
	events := readAll(t, stream)
	if root, user := events[0].Fact.(*event.Process).UID, events[1].Fact.(*event.Process).UID; root != 0 || user == 148213 {
		t.Errorf("users are %d and %d", root, user)
	}
}

// blank removes all texts and addresses of an event.
func blank(e *event.Event) {
	v := reflect.ValueOf(e).Elem()
	if e.Fact != nil { // what an interface holds cannot be set
		fact := reflect.New(reflect.TypeOf(e.Fact)).Elem()
		fact.Set(reflect.ValueOf(e.Fact))
		blankValue(fact)
		e.Fact = fact.Interface().(event.Fact)
	}
	blankValue(v)
}

func blankValue(v reflect.Value) {
	switch {
	case v.Kind() == reflect.String || v.Type() == reflect.TypeFor[event.Addr]():
		v.SetZero()
	case v.Kind() == reflect.Pointer:
		if !v.IsNil() {
			to := reflect.New(v.Type().Elem())
			to.Elem().Set(v.Elem())
			blankValue(to.Elem())
			v.Set(to)
		}
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			blankValue(v.Field(i))
		}
	case v.Kind() == reflect.Slice:
		to := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		reflect.Copy(to, v)
		for i := range to.Len() {
			blankValue(to.Index(i))
		}
		v.Set(to)
	}
}
