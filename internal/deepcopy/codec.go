package deepcopy

import (
	"reflect"
	"sync"
	"time"
	"unsafe"
)

// codec is how values of a type are packed. What is read into must be zero.
type codec struct {
	typ    reflect.Type
	plain  bool // its bytes are all of it
	target bool // pointers of the packed types point to such values
	write  func(w *writer, p unsafe.Pointer)
	read   func(r *reader, p unsafe.Pointer)
}

// put writes a value at its place, where a pointer can lead to.
func (c *codec) put(w *writer, p unsafe.Pointer) {
	if c.target && !w.inVariable {
		w.note(p, c.typ)
	}
	c.write(w, p)
}

func (c *codec) get(r *reader, p unsafe.Pointer) {
	if c.target && !r.inVariable {
		r.places = append(r.places, p)
	}
	c.read(r, p)
}

// codecs are those of the types that can be reached from one type.
type codecs struct {
	mu      sync.Mutex
	byType  map[reflect.Type]*codec
	targets map[reflect.Type]bool // pointed to by a pointer of these types
}

// made has the codecs by the type from which packing begins.
var made sync.Map

func codecsOf(root reflect.Type) *codecs {
	if known, is := made.Load(root); is {
		return known.(*codecs)
	}
	c := &codecs{byType: map[reflect.Type]*codec{}, targets: map[reflect.Type]bool{}}
	c.findTargets(root, map[reflect.Type]bool{})
	known, _ := made.LoadOrStore(root, c)
	return known.(*codecs)
}

// findTargets goes through the types before the first codec: whether a field is a target
// depends on pointers anywhere.
func (c *codecs) findTargets(t reflect.Type, seen map[reflect.Type]bool) {
	if seen[t] {
		return
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Pointer:
		if !isSynchronized(t.Elem()) {
			c.targets[t.Elem()] = true
			c.findTargets(t.Elem(), seen)
		}
	case reflect.Map:
		c.findTargets(t.Key(), seen)
		c.findTargets(t.Elem(), seen)
	case reflect.Slice, reflect.Array:
		c.findTargets(t.Elem(), seen)
	case reflect.Struct:
		for i := range t.NumField() {
			c.findTargets(t.Field(i).Type, seen)
		}
	}
}

// of returns the codec of a type.
func (c *codecs) of(t reflect.Type) *codec {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.make(t)
}

func (c *codecs) make(t reflect.Type) *codec {
	if known := c.byType[t]; known != nil {
		return known
	}
	one := &codec{typ: t, target: c.targets[t] && t.Size() > 0, plain: c.isPlain(t)}
	c.byType[t] = one // before it is complete: types are recursive
	switch {
	case one.plain:
		one.setPlain()
	case t == reflect.TypeFor[time.Time]():
		one.setTime()
	default:
		c.set(one)
	}
	return one
}

func (c *codecs) set(one *codec) {
	switch t := one.typ; t.Kind() {
	case reflect.Pointer:
		if isSynchronized(t.Elem()) {
			one.setKept()
		} else {
			one.setPointer(c.make(t.Elem()))
		}
	case reflect.Func:
		one.setKept()
	case reflect.String:
		one.setString()
	case reflect.Slice:
		one.setSlice(c.make(t.Elem()))
	case reflect.Map:
		one.setMap(c.make(t.Key()), c.make(t.Elem()))
	case reflect.Array:
		one.setArray(c.make(t.Elem()))
	case reflect.Struct:
		one.setStruct(c.parts(t))
	case reflect.Interface:
		one.setInterface()
	default:
		one.setRefused()
	}
}

// isPlain reports whether all of a value is its bytes, and no pointer leads into it.
func (c *codecs) isPlain(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Interface, reflect.Chan, reflect.UnsafePointer, reflect.Func, reflect.String:
		return false
	case reflect.Array:
		return t.Len() == 0 || !c.targets[t.Elem()] && c.isPlain(t.Elem())
	case reflect.Struct:
		for i := range t.NumField() {
			if f := t.Field(i).Type; c.targets[f] || !c.isPlain(f) {
				return false
			}
		}
	}
	return true
}

// part is a field, or neighbours that are plain.
type part struct {
	*codec // nil: plain
	offset uintptr
	size   uintptr
}

func (c *codecs) parts(t reflect.Type) (list []part) {
	for i := range t.NumField() {
		f := t.Field(i)
		one := part{c.make(f.Type), f.Offset, f.Type.Size()}
		if !one.plain || one.target {
			list = append(list, one)
			continue
		}
		if last := len(list) - 1; last >= 0 && list[last].codec == nil {
			list[last].size = f.Offset + f.Type.Size() - list[last].offset
			continue
		}
		list = append(list, part{nil, f.Offset, f.Type.Size()})
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
