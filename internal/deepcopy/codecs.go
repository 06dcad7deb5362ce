package deepcopy

import (
	"fmt"
	"reflect"
	"time"
	"unsafe"
)

func bytesAt(p unsafe.Pointer, size uintptr) []byte { return unsafe.Slice((*byte)(p), size) }

func (c *codec) setPlain() {
	size := c.typ.Size()
	c.write = func(w *writer, p unsafe.Pointer) { w.bytes(bytesAt(p, size)) }
	c.read = func(r *reader, p unsafe.Pointer) { r.bytes(bytesAt(p, size)) }
}

// setKept is for what is one pointer that is taken over.
func (c *codec) setKept() {
	c.write = func(w *writer, p unsafe.Pointer) { w.keep(*(*unsafe.Pointer)(p)) }
	c.read = func(r *reader, p unsafe.Pointer) { *(*unsafe.Pointer)(p) = r.kept[r.number()] }
}

// What a pointer is: a number from firstPlace on is that of a value that came before.
const (
	isNil = iota
	isNew
	isKept
	firstPlace
)

func (c *codec) setPointer(elem *codec) {
	c.write = func(w *writer, p unsafe.Pointer) {
		to := *(*unsafe.Pointer)(p)
		n, known := w.places[place{to, elem.typ}]
		switch {
		case to == nil:
			w.number(isNil)
		case w.shared[place{to, elem.typ}]:
			w.number(isKept)
			w.keep(to)
		case known:
			w.number(firstPlace + n)
		default:
			w.number(isNew)
			inside := w.inVariable
			w.inVariable = false
			elem.put(w, to)
			w.inVariable = inside
		}
	}
	c.read = func(r *reader, p unsafe.Pointer) {
		to := (*unsafe.Pointer)(p)
		switch n := r.number(); n {
		case isNil:
		case isKept:
			*to = r.kept[r.number()]
		case isNew:
			*to = reflect.New(elem.typ).UnsafePointer()
			inside := r.inVariable
			r.inVariable = false
			elem.get(r, *to)
			r.inVariable = inside
		default:
			*to = r.places[n-firstPlace]
		}
	}
}

func (c *codec) setString() {
	c.write = func(w *writer, p unsafe.Pointer) {
		s := *(*string)(p)
		n, is := w.known[s]
		if !is {
			n = len(w.strings)
			w.strings, w.known[s] = append(w.strings, s), n
		}
		w.number(n)
	}
	c.read = func(r *reader, p unsafe.Pointer) { *(*string)(p) = r.strings[r.number()] }
}

// moment is a time.Time: its first words have no pointer, and its location never changes.
type moment struct {
	words    [2]uint64
	location unsafe.Pointer
}

func (c *codec) setTime() {
	if unsafe.Sizeof(moment{}) != unsafe.Sizeof(time.Time{}) {
		panic("deepcopy: time.Time has changed")
	}
	const size = unsafe.Offsetof(moment{}.location)
	c.write = func(w *writer, p unsafe.Pointer) {
		w.bytes(bytesAt(p, size))
		w.keep((*moment)(p).location)
	}
	c.read = func(r *reader, p unsafe.Pointer) {
		r.bytes(bytesAt(p, size))
		(*moment)(p).location = r.kept[r.number()]
	}
}

func (c *codec) setStruct(parts []part) {
	c.write = func(w *writer, p unsafe.Pointer) {
		for i := range parts {
			part := &parts[i]
			if at := unsafe.Add(p, part.offset); part.codec != nil {
				part.put(w, at)
			} else {
				w.bytes(bytesAt(at, part.size))
			}
		}
	}
	c.read = func(r *reader, p unsafe.Pointer) {
		for i := range parts {
			part := &parts[i]
			if at := unsafe.Add(p, part.offset); part.codec != nil {
				part.get(r, at)
			} else {
				r.bytes(bytesAt(at, part.size))
			}
		}
	}
}

func (c *codec) setArray(elem *codec) {
	n := c.typ.Len()
	c.write = func(w *writer, p unsafe.Pointer) { elem.putAll(w, p, n) }
	c.read = func(r *reader, p unsafe.Pointer) { elem.getAll(r, p, n) }
}

func (c *codec) putAll(w *writer, p unsafe.Pointer, n int) {
	size := c.typ.Size()
	if c.plain && !c.target {
		w.bytes(bytesAt(p, uintptr(n)*size))
		return
	}
	for i := range n {
		c.put(w, unsafe.Add(p, uintptr(i)*size))
	}
}

func (c *codec) getAll(r *reader, p unsafe.Pointer, n int) {
	size := c.typ.Size()
	if c.plain && !c.target {
		r.bytes(bytesAt(p, uintptr(n)*size))
		return
	}
	for i := range n {
		c.get(r, unsafe.Add(p, uintptr(i)*size))
	}
}

// setSlice writes one more than the length, 0 for nil.
func (c *codec) setSlice(elem *codec) {
	c.write = func(w *writer, p unsafe.Pointer) {
		from := reflect.NewAt(c.typ, p).Elem()
		if from.IsNil() {
			w.number(0)
			return
		}
		w.number(from.Len() + 1)
		inside := w.inVariable
		w.inVariable = false
		elem.putAll(w, from.UnsafePointer(), from.Len())
		w.inVariable = inside
	}
	c.read = func(r *reader, p unsafe.Pointer) {
		n := r.number() - 1
		if n < 0 {
			return
		}
		to := reflect.MakeSlice(c.typ, n, n)
		reflect.NewAt(c.typ, p).Elem().Set(to)
		inside := r.inVariable
		r.inVariable = false
		elem.getAll(r, to.UnsafePointer(), n)
		r.inVariable = inside
	}
}

func (c *codec) putVariable(w *writer, v reflect.Value) {
	inside := w.inVariable
	w.inVariable = true
	c.write(w, v.Addr().UnsafePointer())
	w.inVariable = inside
}

func (c *codec) getVariable(r *reader, v reflect.Value) {
	inside := r.inVariable
	r.inVariable = true
	v.SetZero()
	c.read(r, v.Addr().UnsafePointer())
	r.inVariable = inside
}

// setMap writes the entries by way of variables. Those are no places: a pointer cannot lead into a
// map.
func (c *codec) setMap(key, elem *codec) {
	c.write = func(w *writer, p unsafe.Pointer) {
		from := reflect.NewAt(c.typ, p).Elem()
		if from.IsNil() {
			w.number(0)
			return
		}
		w.number(from.Len() + 1)
		k, e := reflect.New(key.typ).Elem(), reflect.New(elem.typ).Elem()
		for entry := from.MapRange(); entry.Next(); {
			k.SetIterKey(entry)
			e.SetIterValue(entry)
			key.putVariable(w, k)
			elem.putVariable(w, e)
		}
	}
	c.read = func(r *reader, p unsafe.Pointer) {
		n := r.number() - 1
		if n < 0 {
			return
		}
		to := reflect.MakeMapWithSize(c.typ, n)
		k, e := reflect.New(key.typ).Elem(), reflect.New(elem.typ).Elem()
		for range n {
			key.getVariable(r, k)
			elem.getVariable(r, e)
			to.SetMapIndex(k, e)
		}
		reflect.NewAt(c.typ, p).Elem().Set(to)
	}
}

// setInterface writes one more than the number of the type that the interface has, 0 for nil.
func (c *codec) setInterface() {
	c.write = func(w *writer, p unsafe.Pointer) {
		from := reflect.NewAt(c.typ, p).Elem()
		if from.IsNil() {
			w.number(0)
			return
		}
		t := from.Elem().Type()
		n, is := w.typeAt[t]
		if !is {
			n = len(w.types)
			w.types, w.typeAt[t] = append(w.types, t), n
		}
		w.number(n + 1)
		v := reflect.New(t)
		v.Elem().Set(from.Elem())
		w.codecs.of(t).putVariable(w, v.Elem())
	}
	c.read = func(r *reader, p unsafe.Pointer) {
		n := r.number() - 1
		if n < 0 {
			return
		}
		v := reflect.New(r.types[n])
		r.codecs.of(r.types[n]).getVariable(r, v.Elem())
		reflect.NewAt(c.typ, p).Elem().Set(v.Elem())
	}
}

func (c *codec) setRefused() {
	t := c.typ
	c.write = func(*writer, unsafe.Pointer) { panic(fmt.Sprintf("deepcopy: a %v", t)) }
	c.read = func(*reader, unsafe.Pointer) { panic(fmt.Sprintf("deepcopy: a %v", t)) }
}
