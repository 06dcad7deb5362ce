package record

import (
	"math"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/porttrace/porttrace/internal/event"
)

// template is a shape as the event that all of its events begin as.
type template struct {
	event   event.Event
	columns uint32
}

// decoder takes a Frame of trace.proto apart. Columns are read in step, so that
// a frame needs little more memory than its bytes and tables.
type decoder struct {
	context   []byte
	processes []event.Process
	shapes    []template
	facts     [][]byte
	columns   [columns][]byte

	batchEvents []byte
	batchNow    []byte
	left        uint64     // events of the batch under way
	now         event.Time // how far the stream comes with it
	end         event.Time // and how far with the frame

	time   event.Time
	cookie uint64
}

// load takes a decompressed frame, which must stay as it is until the next load.
func (d *decoder) load(h *header, raw []byte) error {
	*d = decoder{
		processes: d.processes[:0], shapes: d.shapes[:0], facts: d.facts[:0],
		time: h.begin, now: h.begin, end: h.end,
	}
	var body []byte
	if err := eachField(raw, func(n protowire.Number, _ uint64, bytes []byte) error {
		if n == traceFrame {
			body = bytes
		}
		return nil
	}); err != nil {
		return err
	}
	return eachField(body, d.field)
}

func (d *decoder) field(n protowire.Number, _ uint64, bytes []byte) error {
	switch {
	case n == frameContext:
		d.context = bytes
	case n == frameProcess:
		return d.addProcess(bytes)
	case n == frameShape:
		return d.addShape(bytes)
	case n == frameFact:
		d.facts = append(d.facts, bytes)
		return limit(len(d.facts))
	case n == frameBatchEvents:
		d.batchEvents = bytes
	case n == frameBatchNow:
		d.batchNow = bytes
	case n >= frameColumns && int(n) < frameColumns+columns:
		d.columns[n-frameColumns] = bytes
	}
	return nil
}

// limit bounds the rows of a table.
func limit(n int) error {
	if n > maxEvents {
		return errMalformed
	}
	return nil
}

func (d *decoder) addProcess(b []byte) error {
	var p event.Process
	if err := readMessage(b, processFields(&p)); err != nil {
		return err
	}
	d.processes = append(d.processes, p)
	return limit(len(d.processes))
}

func (d *decoder) addShape(b []byte) error {
	var s shape
	var proc, listener uint32
	if err := readMessage(b, shapeFields(&s, &proc, &listener)); err != nil {
		return err
	}
	if int(max(proc, listener)) > len(d.processes) {
		return errMalformed
	}
	s.clamp()
	d.shapes = append(d.shapes, template{columns: s.columns, event: event.Event{
		Kind: s.kind, Direction: s.direction, Proto: s.proto, Op: s.op, Reason: s.reason, ClosedBy: s.closedBy,
		ResetBy: s.resetBy, Errno: s.errno, Flags: s.flags, Inferred: s.inferred, Netns: s.netns,
		Proc: d.id(proc), Listener: d.id(listener), Src: s.src, Dst: s.dst, Count: uint64(s.count),
	}})
	return limit(len(d.shapes))
}

// clamp gives numbers that have no name in this version the nearest meaning.
func (s *shape) clamp() {
	if s.direction > event.In {
		s.direction = event.Unknown
	}
	if s.op > event.OpAutobind {
		s.op = 0
	}
	if s.reason > event.OtherReason {
		s.reason = event.OtherReason
	}
	if s.closedBy > event.Abort {
		s.closedBy = 0
	}
	if s.resetBy > event.Abort {
		s.resetBy = 0
	}
}

func (d *decoder) id(number uint32) event.ProcID {
	if number == 0 {
		return event.ProcID{}
	}
	return d.processes[number-1].ID
}

// value takes the next value of a column.
func (d *decoder) value(column int) (uint64, error) {
	v, n := protowire.ConsumeVarint(d.columns[column])
	if n < 0 {
		return 0, errMalformed
	}
	d.columns[column] = d.columns[column][n:]
	return v, nil
}

// more reports whether events are left.
func (d *decoder) more() bool { return len(d.columns[columnShape]) > 0 }

// read appends events to the list, up to its capacity, of one batch at most.
func (d *decoder) read(to []event.Event) ([]event.Event, error) {
	if d.left == 0 {
		if err := d.nextBatch(); err != nil {
			return to, err
		}
	}
	for len(to) < cap(to) && d.left > 0 && d.more() {
		to = to[:len(to)+1]
		if err := d.next(&to[len(to)-1]); err != nil {
			return to[:len(to)-1], err
		}
		d.left--
	}
	return to, nil
}

// nextBatch reads how long the next batch is. What is left over at the end of a frame is
// the beginning of one.
func (d *decoder) nextBatch() error {
	if len(d.batchEvents) == 0 {
		d.left, d.now = math.MaxUint64, d.end
		return nil
	}
	left, n := protowire.ConsumeVarint(d.batchEvents)
	delta, m := protowire.ConsumeVarint(d.batchNow)
	if n < 0 || m < 0 {
		return errMalformed
	}
	d.batchEvents, d.batchNow = d.batchEvents[n:], d.batchNow[m:]
	d.left, d.now = left, d.now+event.Time(protowire.DecodeZigZag(delta))
	if d.now < 0 || d.now > d.end {
		return errMalformed
	}
	return nil
}

// next reads an event into e.
func (d *decoder) next(e *event.Event) error {
	number, err := d.value(columnShape)
	if err != nil || number >= uint64(len(d.shapes)) {
		return errMalformed
	}
	delta, err := d.value(columnTime)
	if err != nil {
		return err
	}
	s := &d.shapes[number]
	*e = s.event
	d.time += event.Time(protowire.DecodeZigZag(delta))
	if d.time < 0 || d.time > maxTime {
		return errMalformed
	}
	e.Time = d.time
	if s.columns == 0 {
		return nil
	}
	return d.values(e, s.columns)
}

func (d *decoder) values(e *event.Event, has uint32) error {
	var got [columns]uint64
	for bit, list := range columnsOfBit {
		if has&(1<<bit) == 0 {
			continue
		}
		for _, c := range list {
			v, err := d.value(c)
			if err != nil {
				return err
			}
			got[c] = v
		}
	}
	d.set(e, has, &got)
	if has&hasFact == 0 {
		return nil
	}
	return d.fact(e)
}

// columnsOfBit are the columns that an event of a shape with the bit has a value in.
var columnsOfBit = [...][]int{
	{columnLocalPort},
	{columnRemotePort},
	{columnCookie},
	{columnDuration},
	{columnCloseWait},
	{columnPortSearch},
	{columnCount, columnFirst, columnLast},
}

func (d *decoder) set(e *event.Event, has uint32, got *[columns]uint64) {
	if has&hasLocalPort != 0 {
		e.Src.Port = uint16(got[columnLocalPort])
	}
	if has&hasRemotePort != 0 {
		e.Dst.Port = uint16(got[columnRemotePort])
	}
	if has&hasCookie != 0 {
		d.cookie += uint64(protowire.DecodeZigZag(got[columnCookie]))
		e.Cookie = d.cookie
	}
	e.Duration = got[columnDuration]
	e.CloseWait = got[columnCloseWait]
	e.PortSearch = got[columnPortSearch]
	if has&hasCount != 0 {
		e.Count = got[columnCount]
		e.First = e.Time + event.Time(protowire.DecodeZigZag(got[columnFirst]))
		e.Last = e.Time + event.Time(protowire.DecodeZigZag(got[columnLast]))
	}
}
