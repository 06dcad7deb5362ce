// Package parquet writes a table as an Apache Parquet file, row group by row group, to anything
// that can be written to. The structures of the format, their encoding and that of the values are
// those of github.com/parquet-go/parquet-go. Its Writer is not used: with all that it can store it
// would make the program larger by half.
package parquet

import (
	"encoding/binary"
	"io"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

const (
	// groupRows and groupBytes bound a row group, which is kept in memory until it is written.
	groupRows  = 1 << 16
	groupBytes = 16 << 20

	magic = "PAR1"
)

// Writer writes rows. Without its Close the file has no end and cannot be read at all, so that a
// part never passes for the whole.
type Writer struct {
	to         io.Writer
	at         int64 // bytes written
	columns    []*column
	rows       int64 // of the current row group
	groups     []format.RowGroup
	total      int64
	compressor *zstd.Encoder
	protocol   thrift.CompactProtocol
	creator    string
}

// New writes the beginning of the file and returns a Writer of rows. creator is what the file says
// it is written by.
func New(to io.Writer, creator string, columns []Column) (*Writer, error) {
	compressor, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true))
	if err != nil {
		return nil, err
	}
	w := &Writer{to: to, compressor: compressor, creator: creator}
	for _, c := range columns {
		w.columns = append(w.columns, &column{Column: c, known: make(map[string]int32)})
	}
	return w, w.write([]byte(magic))
}

func (w *Writer) write(b []byte) error {
	n, err := w.to.Write(b)
	w.at += int64(n)
	return err
}

// Row writes a row: a value for each column.
func (w *Writer) Row(values []Value) error {
	size := 0
	for i, c := range w.columns {
		c.add(values[i])
		size += len(c.values)
	}
	w.rows++
	if w.rows < groupRows && size < groupBytes {
		return nil
	}
	return w.flush()
}

// flush writes the row group.
func (w *Writer) flush() error {
	if w.rows == 0 {
		return nil
	}
	group := format.RowGroup{NumRows: w.rows, FileOffset: w.at, Ordinal: int16(len(w.groups))}
	for _, c := range w.columns {
		chunk, err := w.chunk(c)
		if err != nil {
			return err
		}
		group.Columns = append(group.Columns, chunk)
		group.TotalByteSize += chunk.MetaData.TotalUncompressedSize
		group.TotalCompressedSize += chunk.MetaData.TotalCompressedSize
		c.clear()
	}
	w.groups = append(w.groups, group)
	w.total += w.rows
	w.rows = 0
	return nil
}

// chunk writes a column of the row group: its dictionary, if it has one, and a page of values.
func (w *Writer) chunk(c *column) (format.ColumnChunk, error) {
	begin := w.at
	meta := format.ColumnMetaData{
		Type: c.Kind.physical(), Encoding: []format.Encoding{format.Plain, format.RLE}, PathInSchema: []string{c.Name},
		Codec: format.Zstd, NumValues: w.rows, Statistics: c.statistics(),
	}
	if c.Kind == String {
		meta.Encoding = append(meta.Encoding, format.RLEDictionary)
		meta.DictionaryPageOffset = begin
		header := format.PageHeader{Type: format.DictionaryPage, DictionaryPageHeader: thrift.New(
			format.DictionaryPageHeader{NumValues: int32(len(c.known)), Encoding: format.Plain})}
		if err := w.page(header, c.values, &meta); err != nil {
			return format.ColumnChunk{}, err
		}
	}
	meta.DataPageOffset = w.at
	data, err := c.data()
	if err != nil {
		return format.ColumnChunk{}, err
	}
	err = w.page(format.PageHeader{Type: format.DataPage, DataPageHeader: thrift.New(format.DataPageHeader{
		NumValues: int32(w.rows), Encoding: c.encoding(),
		DefinitionLevelEncoding: format.RLE, RepetitionLevelEncoding: format.RLE, Statistics: c.statistics(),
	})}, data, &meta)
	meta.TotalCompressedSize = w.at - begin
	return format.ColumnChunk{MetaData: meta}, err
}

// page writes a page and adds its size to that of the column.
func (w *Writer) page(header format.PageHeader, data []byte, meta *format.ColumnMetaData) error {
	packed := w.compressor.EncodeAll(data, nil)
	header.UncompressedPageSize, header.CompressedPageSize = int32(len(data)), int32(len(packed))
	head, err := thrift.Marshal(&w.protocol, &header)
	if err != nil {
		return err
	}
	meta.TotalUncompressedSize += int64(len(head) + len(data))
	if err := w.write(head); err != nil {
		return err
	}
	return w.write(packed)
}

// Close writes the last row group and the end of the file.
func (w *Writer) Close() error {
	if err := w.flush(); err != nil {
		return err
	}
	meta := format.FileMetaData{
		Version: 1, NumRows: w.total, RowGroups: w.groups, CreatedBy: w.creator,
		Schema: []format.SchemaElement{root(len(w.columns))},
	}
	for _, c := range w.columns {
		meta.ColumnOrders = append(meta.ColumnOrders, format.ColumnOrder{Value: &format.TypeDefinedOrder{}})
		meta.Schema = append(meta.Schema, element(c.Column))
	}
	footer, err := thrift.Marshal(&w.protocol, &meta)
	if err != nil {
		return err
	}
	end := binary.LittleEndian.AppendUint32(footer, uint32(len(footer)))
	return w.write(append(end, magic...))
}
