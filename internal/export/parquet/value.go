package parquet

import (
	"math"
	"time"
)

// Value is one cell of a row; its zero value is null.
type Value struct {
	known bool
	bits  uint64
	text  string
}

// Text is null if it is empty. It must be valid UTF-8.
func Text(s string) Value { return Value{known: s != "", text: s} }

// Number is a number, of whatever kind the column has.
func Number[N uint16 | uint32 | uint64 | int](n N) Value { return Value{known: true, bits: uint64(n)} }

// Flag is true or false.
func Flag(set bool) Value {
	if set {
		return Value{known: true, bits: 1}
	}
	return Value{known: true}
}

// Float is a number of a column of the kind Double.
func Float(f float64) Value { return Value{known: true, bits: math.Float64bits(f)} }

// Moment is null for the zero time.
func Moment(t time.Time) Value {
	if t.IsZero() {
		return Value{}
	}
	return Value{known: true, bits: uint64(t.UnixNano())}
}

// Optional is null without a value.
func Optional[T any](v *T, value func(T) Value) Value {
	if v == nil {
		return Value{}
	}
	return value(*v)
}
