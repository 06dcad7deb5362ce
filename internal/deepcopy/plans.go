package deepcopy

import (
	"fmt"
	"reflect"
	"sync"
	"time"
	"unsafe"
)

// plans are those of the types that can be reached from one type.
type plans struct {
	mu      sync.Mutex
	byType  map[reflect.Type]*plan
	targets map[reflect.Type]bool // pointed to by a pointer of these types
}

// made has the plans by the type from which a copy begins.
var made sync.Map

func plansOf(root reflect.Type) *plans {
	if known, is := made.Load(root); is {
		return known.(*plans)
	}
	p := &plans{byType: map[reflect.Type]*plan{}, targets: map[reflect.Type]bool{}}
	p.findTargets(root, map[reflect.Type]bool{})
	p.of(root)
	made.Store(root, p)
	return p
}

// findTargets goes through the types before the first plan: whether a field is a target
// depends on pointers anywhere.
func (p *plans) findTargets(t reflect.Type, seen map[reflect.Type]bool) {
	if seen[t] {
		return
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Pointer:
		if !isSynchronized(t.Elem()) {
			p.targets[t.Elem()] = true
			p.findTargets(t.Elem(), seen)
		}
	case reflect.Map:
		p.findTargets(t.Key(), seen)
		p.findTargets(t.Elem(), seen)
	case reflect.Slice, reflect.Array:
		p.findTargets(t.Elem(), seen)
	case reflect.Struct:
		for i := range t.NumField() {
			p.findTargets(t.Field(i).Type, seen)
		}
	}
}

// of returns the plan of a type. Those of what it refers to are made when they are needed.
func (p *plans) of(t reflect.Type) *plan {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.make(t)
}

func (p *plans) make(t reflect.Type) *plan {
	if known := p.byType[t]; known != nil {
		return known
	}
	one := &plan{typ: t, target: p.targets[t]}
	p.byType[t] = one // before it is complete: types are recursive
	switch t.Kind() {
	case reflect.Pointer:
		if !isSynchronized(t.Elem()) {
			one.deepen = deepenPointer(p.make(t.Elem()))
		}
	case reflect.Slice:
		one.deepen = deepenSlice(t, p.make(t.Elem()))
	case reflect.Map:
		one.deepen = deepenMap(t, p.make(t.Key()), p.make(t.Elem()))
	case reflect.Array:
		if p.needs(t.Elem()) {
			one.deepen = deepenArray(t, p.make(t.Elem()))
		}
	case reflect.Struct:
		one.deepen = deepenStruct(p.fields(t))
	case reflect.Interface:
		one.deepen = deepenInterface(t)
	case reflect.Chan, reflect.UnsafePointer:
		one.deepen = func(*copier, unsafe.Pointer, unsafe.Pointer) { panic(fmt.Sprintf("deepcopy: a %v", t)) }
	}
	return one
}

// needs reports whether a value takes more than a copy of its bytes.
func (p *plans) needs(t reflect.Type) bool {
	if p.targets[t] {
		return true
	}
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Interface, reflect.Chan, reflect.UnsafePointer:
		return true
	case reflect.Array:
		return t.Len() > 0 && p.needs(t.Elem())
	case reflect.Struct:
		return len(p.deepFields(t)) > 0
	}
	return false
}

// field is one that takes more than a copy of its bytes.
type field struct {
	*plan
	offset uintptr
}

func (p *plans) fields(t reflect.Type) []field {
	var list []field
	for _, f := range p.deepFields(t) {
		list = append(list, field{p.make(f.Type), f.Offset})
	}
	return list
}

func (p *plans) deepFields(t reflect.Type) []reflect.StructField {
	if t == reflect.TypeFor[time.Time]() { // its Location never changes
		return nil
	}
	var list []reflect.StructField
	for i := range t.NumField() {
		if f := t.Field(i); p.needs(f.Type) {
			list = append(list, f)
		}
	}
	return list
}

// isSynchronized reports whether a value is made for several goroutines at a time.
func isSynchronized(t reflect.Type) bool {
	if t.Kind() != reflect.Struct {
		return false
	}
	if t.PkgPath() == "sync" || t.PkgPath() == "sync/atomic" {
		return true
	}
	for i := range t.NumField() {
		if isSynchronized(t.Field(i).Type) {
			return true
		}
	}
	return false
}
