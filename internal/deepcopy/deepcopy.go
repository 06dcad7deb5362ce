// Package deepcopy packs a value together with everything that it refers to, unexported fields
// included, and makes copies of it that can go separate ways. A State of the pipeline is hundreds of
// maps and rows of several packages: a Clone method in each would become wrong, unnoticed, as soon
// as one of them got a new field. Packed it takes a fifth of its memory: most of it is counts, and
// most of these are small or zero.
//
//	deepcopy.go  what is packed, and how often it can be unpacked
//	codec.go     how values of a type are packed
//	codecs.go    the same for each kind of type
//	bytes.go     the bytes of it
package deepcopy

import (
	"reflect"
	"unsafe"
)

// Packed is a value at the moment of Pack. It does not change, and can be unpacked in any goroutine.
type Packed[T any] struct {
	data    []byte // compressed
	size    int    // of data before
	strings []string
	kept    []unsafe.Pointer // what is taken over, see Pack
	types   []reflect.Type   // of what interfaces have
	places  int              // how many values there are that pointers point to
}

// Pack packs what p points to.
//
// Pointers to the same value stay pointers to the same copy. A pointer may also point to a
// field or element, if the value that has it comes first. Strings, the location of a time.Time,
// functions, and what the pointers in shared point to are taken over: they must not change. So are
// pointers to what has a mutex or an atomic value: it is made to be shared. It panics for channels
// and unsafe pointers.
func Pack[T any](p *T, shared ...any) *Packed[T] {
	codecs := codecsOf(reflect.TypeFor[*T]())
	w := newWriter(codecs)
	for _, s := range shared {
		if v := reflect.ValueOf(s); v.Kind() == reflect.Pointer && !v.IsNil() {
			w.shared[place{v.UnsafePointer(), v.Type().Elem()}] = true
		}
	}
	codecs.of(reflect.TypeFor[*T]()).write(w, unsafe.Pointer(&p))
	return &Packed[T]{w.compressed(), len(w.data), w.strings, w.kept, w.types, len(w.places)}
}

// Unpack returns a copy of the value.
func (p *Packed[T]) Unpack() *T {
	codecs := codecsOf(reflect.TypeFor[*T]())
	r := &reader{
		codecs: codecs, data: decompressed(p.data, p.size), strings: p.strings, kept: p.kept, types: p.types,
		places: make([]unsafe.Pointer, 0, p.places),
	}
	var q *T
	codecs.of(reflect.TypeFor[*T]()).read(r, unsafe.Pointer(&q))
	return q
}

// Bytes returns about how much memory the packed value takes, without what is taken over.
func (p *Packed[T]) Bytes() int {
	const word = int(unsafe.Sizeof(uintptr(0)))
	return len(p.data) + 2*word*(len(p.strings)+len(p.types)) + word*len(p.kept)
}
