package parquet

import (
	"encoding/binary"
	"math/bits"

	"github.com/parquet-go/parquet-go/encoding/plain"
	"github.com/parquet-go/parquet-go/encoding/rle"
	"github.com/parquet-go/parquet-go/format"
)

// column has the values of the current row group.
type column struct {
	Column
	present []uint8 // the definition levels: 0 is null
	nulls   int64
	values  []byte // encoded as PLAIN; of a text in the dictionary
	count   int    // of values that are not null

	// Of a column of texts.
	indexes []int32 // into the dictionary
	known   map[string]int32

	low, high int64 // of a column of times
}

// add appends a value of a row.
func (c *column) add(v Value) {
	if !c.Required {
		c.present = append(c.present, 0)
		if !v.known {
			c.nulls++
			return
		}
		c.present[len(c.present)-1] = 1
	}
	switch c.Kind.physical() {
	case format.ByteArray:
		c.addText(v.text)
	case format.Boolean:
		c.values = plain.AppendBoolean(c.values, c.count, v.bits != 0)
	case format.Int32:
		c.values = plain.AppendInt32(c.values, int32(uint32(v.bits)))
	default:
		c.values = plain.AppendInt64(c.values, int64(v.bits)) // a Double has the same bytes
		c.extend(int64(v.bits))
	}
	c.count++
}

func (c *column) addText(text string) {
	index, found := c.known[text]
	if !found {
		index = int32(len(c.known))
		c.known[text] = index
		c.values = plain.AppendByteArrayString(c.values, text)
	}
	c.indexes = append(c.indexes, index)
}

// extend keeps the bounds of the values.
func (c *column) extend(v int64) {
	if c.count == 0 {
		c.low, c.high = v, v
	}
	c.low, c.high = min(c.low, v), max(c.high, v)
}

// data returns the page of the values: the definition levels, if there can be nulls, and what is
// not null.
func (c *column) data() ([]byte, error) {
	var page []byte
	if !c.Required {
		levels, err := (&rle.Encoding{BitWidth: 1}).EncodeLevels(nil, c.present)
		if err != nil {
			return nil, err
		}
		page = binary.LittleEndian.AppendUint32(page, uint32(len(levels)))
		page = append(page, levels...)
	}
	if c.Kind != String {
		return append(page, c.values...), nil
	}
	width := max(1, bits.Len(uint(max(0, len(c.known)-1))))
	indexes, err := (&rle.Encoding{BitWidth: width}).EncodeInt32(nil, c.indexes)
	return append(append(page, byte(width)), indexes...), err
}

// encoding is that of the values of the page.
func (c *column) encoding() format.Encoding {
	if c.Kind == String {
		return format.RLEDictionary
	}
	return format.Plain
}

// statistics let a reader skip a row group in which nothing can be of interest.
func (c *column) statistics() format.Statistics {
	s := format.Statistics{NullCount: c.nulls}
	if c.Kind == Time && c.count > 0 {
		s.MinValue, s.MaxValue = plain.Int64(c.low), plain.Int64(c.high)
	}
	return s
}

// clear makes room for the next row group.
func (c *column) clear() {
	c.present, c.values, c.indexes = c.present[:0], c.values[:0], c.indexes[:0]
	c.nulls, c.count = 0, 0
	clear(c.known)
}
