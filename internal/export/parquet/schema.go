package parquet

import (
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// Kind is the type of the values of a column.
type Kind uint8

// What readers show: VARCHAR, BOOLEAN, USMALLINT, UINTEGER, UBIGINT, BIGINT, DOUBLE, and a
// timestamp of nanoseconds in UTC.
const (
	String Kind = iota
	Bool
	Uint16
	Uint32
	Uint64
	Int64
	Double
	Time
)

// Column is a column of the table.
type Column struct {
	Name     string
	Kind     Kind
	Required bool // it has a value in each row: readers need not allow for null
}

// physical is the type that the values are stored as.
func (k Kind) physical() format.Type {
	switch k {
	case String:
		return format.ByteArray
	case Bool:
		return format.Boolean
	case Uint16, Uint32:
		return format.Int32
	case Double:
		return format.Double
	}
	return format.Int64
}

// logical is what the values mean, nil if their physical type says it. The older annotation, for
// readers that do not know the newer one, has no nanoseconds.
func (k Kind) logical() (format.LogicalTypeValue, thrift.Null[deprecated.ConvertedType]) {
	switch k {
	case String:
		return &format.StringType{}, thrift.New(deprecated.UTF8)
	case Uint16:
		return &format.IntType{BitWidth: 16}, thrift.New(deprecated.Uint16)
	case Uint32:
		return &format.IntType{BitWidth: 32}, thrift.New(deprecated.Uint32)
	case Uint64:
		return &format.IntType{BitWidth: 64}, thrift.New(deprecated.Uint64)
	case Time:
		return &format.TimestampType{IsAdjustedToUTC: true, Unit: format.TimeUnit{Value: &format.NanoSeconds{}}}, thrift.Null[deprecated.ConvertedType]{}
	}
	return nil, thrift.Null[deprecated.ConvertedType]{}
}

// root is the table itself, which the columns are below.
func root(columns int) format.SchemaElement {
	return format.SchemaElement{Name: "events", NumChildren: thrift.New(int32(columns))}
}

func element(c Column) format.SchemaElement {
	repetition := format.Optional
	if c.Required {
		repetition = format.Required
	}
	logical, converted := c.Kind.logical()
	return format.SchemaElement{
		Name: c.Name, Type: thrift.New(c.Kind.physical()), RepetitionType: thrift.New(repetition),
		ConvertedType: converted, LogicalType: format.LogicalType{Value: logical},
	}
}
