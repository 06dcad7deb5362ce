// Package deepcopy copies a value together with everything that it refers to, unexported
// fields included, so that the copy and the original can go separate ways. A State of the
// pipeline is hundreds of maps and rows of several packages: a Clone method in each would
// become wrong, unnoticed, as soon as one of them got a new field.
package deepcopy

import (
	"fmt"
	"reflect"
	"unsafe"
)

// Of returns a copy of what p points to, and about how many bytes the copy takes.
//
// Pointers to the same value stay pointers to the same copy. A pointer may also point to a
// field or element, if the value that has it comes first. Strings, time.Time, functions, and
// what the pointers in shared point to are taken over: they must not change. So are pointers to
// what has a mutex or an atomic value: it is made to be shared. It panics for channels and
// unsafe pointers.
func Of[T any](p *T, shared ...any) (*T, int) {
	root := reflect.TypeFor[*T]()
	c := copier{plans: plansOf(root), done: map[place]unsafe.Pointer{}}
	for _, s := range shared {
		if v := reflect.ValueOf(s); v.Kind() == reflect.Pointer && !v.IsNil() {
			c.done[place{v.UnsafePointer(), v.Type().Elem()}] = v.UnsafePointer()
		}
	}
	var q *T
	c.plans.of(root).copy(&c, unsafe.Pointer(&q), unsafe.Pointer(&p))
	return q, c.bytes
}

// place is a value of the original. A struct and its first field have the same address.
type place struct {
	at unsafe.Pointer
	of reflect.Type
}

// copier is one copy under way.
type copier struct {
	plans *plans
	done  map[place]unsafe.Pointer // the copies of the values that pointers point to
	bytes int
}

// plan is how values of a type are copied.
type plan struct {
	typ    reflect.Type
	target bool // pointers of the copied types point to such values
	// deepen replaces what dst, a copy of the bytes of src, shares with src; nil: nothing.
	deepen func(c *copier, dst, src unsafe.Pointer)
}

// copy copies a value and all that it refers to.
func (p *plan) copy(c *copier, dst, src unsafe.Pointer) {
	reflect.NewAt(p.typ, dst).Elem().Set(reflect.NewAt(p.typ, src).Elem())
	p.finish(c, dst, src)
}

// finish completes a copy of the bytes.
func (p *plan) finish(c *copier, dst, src unsafe.Pointer) {
	if p.target {
		c.note(place{src, p.typ}, dst)
	}
	if p.deepen != nil {
		p.deepen(c, dst, src)
	}
}

// isDone reports whether a copy of the bytes is complete.
func (p *plan) isDone() bool { return p.deepen == nil && !p.target }

// note notes where the copy of a value is that pointers can point to.
func (c *copier) note(original place, dst unsafe.Pointer) {
	if before, is := c.done[original]; is && before != dst {
		panic(fmt.Sprintf("deepcopy: a pointer to a %v came before the value that has it", original.of))
	}
	c.done[original] = dst
}
