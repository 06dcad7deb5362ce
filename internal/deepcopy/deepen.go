package deepcopy

import (
	"reflect"
	"unsafe"
)

func deepenPointer(elem *plan) func(c *copier, dst, src unsafe.Pointer) {
	return func(c *copier, dst, src unsafe.Pointer) {
		from := *(*unsafe.Pointer)(src)
		if from == nil {
			return
		}
		to, is := c.done[place{from, elem.typ}]
		if !is {
			to = reflect.New(elem.typ).UnsafePointer()
			c.bytes += int(elem.typ.Size())
			elem.copy(c, to, from)
		}
		*(*unsafe.Pointer)(dst) = to
	}
}

func deepenStruct(fields []field) func(c *copier, dst, src unsafe.Pointer) {
	if len(fields) == 0 {
		return nil
	}
	return func(c *copier, dst, src unsafe.Pointer) {
		for i := range fields {
			f := &fields[i]
			f.finish(c, unsafe.Add(dst, f.offset), unsafe.Add(src, f.offset))
		}
	}
}

func deepenArray(t reflect.Type, elem *plan) func(c *copier, dst, src unsafe.Pointer) {
	return func(c *copier, dst, src unsafe.Pointer) { finishAll(c, elem, t.Len(), dst, src) }
}

func finishAll(c *copier, elem *plan, n int, dst, src unsafe.Pointer) {
	if elem.isDone() {
		return
	}
	for i := range n {
		offset := uintptr(i) * elem.typ.Size()
		elem.finish(c, unsafe.Add(dst, offset), unsafe.Add(src, offset))
	}
}

func deepenSlice(t reflect.Type, elem *plan) func(c *copier, dst, src unsafe.Pointer) {
	return func(c *copier, dst, src unsafe.Pointer) {
		from := reflect.NewAt(t, src).Elem()
		if from.IsNil() {
			return
		}
		to := reflect.MakeSlice(t, from.Len(), from.Len())
		c.bytes += from.Len() * int(elem.typ.Size())
		reflect.Copy(to, from)
		reflect.NewAt(t, dst).Elem().Set(to)
		finishAll(c, elem, from.Len(), to.UnsafePointer(), from.UnsafePointer())
	}
}

// deepenMap copies the entries by way of variables. Those are no places: a pointer cannot lead
// into a map.
func deepenMap(t reflect.Type, key, elem *plan) func(c *copier, dst, src unsafe.Pointer) {
	return func(c *copier, dst, src unsafe.Pointer) {
		from := reflect.NewAt(t, src).Elem()
		if from.IsNil() {
			return
		}
		to := reflect.MakeMapWithSize(t, from.Len())
		c.bytes += from.Len() * int(key.typ.Size()+elem.typ.Size())
		k, e := newVariable(key), newVariable(elem)
		for entry := from.MapRange(); entry.Next(); {
			k.from.SetIterKey(entry)
			e.from.SetIterValue(entry)
			to.SetMapIndex(k.copied(c), e.copied(c))
		}
		reflect.NewAt(t, dst).Elem().Set(to)
	}
}

// variable holds a key or an element on its way.
type variable struct {
	plan     *plan
	from, to reflect.Value
}

func newVariable(p *plan) variable {
	return variable{p, reflect.New(p.typ).Elem(), reflect.New(p.typ).Elem()}
}

func (v *variable) copied(c *copier) reflect.Value {
	if v.plan.deepen == nil {
		return v.from
	}
	v.to.Set(v.from)
	v.plan.deepen(c, v.to.Addr().UnsafePointer(), v.from.Addr().UnsafePointer())
	return v.to
}

// deepenInterface copies the value that an interface has.
func deepenInterface(t reflect.Type) func(c *copier, dst, src unsafe.Pointer) {
	return func(c *copier, dst, src unsafe.Pointer) {
		from := reflect.NewAt(t, src).Elem()
		if from.IsNil() {
			return
		}
		v := newVariable(c.plans.of(from.Elem().Type()))
		v.from.Set(from.Elem())
		reflect.NewAt(t, dst).Elem().Set(v.copied(c))
	}
}
