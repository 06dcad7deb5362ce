package record

import (
	"math"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/porttrace/porttrace/internal/event"
)

// template is a shape in the form of an event, of which its events are copies.
type template struct {
	event   event.Event
	columns uint32
}

// decoder reads a Frame of trace.proto. It advances in all columns together, so that a frame
// needs little more memory than its bytes and tables.
type decoder struct {
	context   []byte
	processes []event.Process
	shapes    []template
	shape     *shapeMessage // each shape is read to
	facts     [][]byte
	columns   [columns][]byte

	batchEvents []byte
	batchNow    []byte
	left        uint64     // events of the current batch that were not read yet
	now         event.Time // how far the stream comes with the batch
	end         event.Time // and how far with the frame

	time   event.Time
	cookie uint64
	broken bool // a column was too short
}

// load begins a decompressed frame, which must not change until the next load.
func (d *decoder) load(h *header, raw []byte) error {
	*d = decoder{
		processes: d.processes[:0], shapes: d.shapes[:0], facts: d.facts[:0], shape: d.shape,
		time: h.begin, now: h.begin, end: h.end,
	}
	if d.shape == nil {
		d.shape = newShapeMessage()
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

// limit returns an error if a table has too many rows.
func limit(n int) error {
	if n > maxEvents {
		return errMalformed
	}
	return nil
}

func (d *decoder) addProcess(b []byte) error {
	var p event.Process
	if err := readProcess(b, &p); err != nil {
		return err
	}
	d.processes = append(d.processes, p)
	return limit(len(d.processes))
}

func (d *decoder) addShape(b []byte) error {
	s := d.shape
	if err := s.read(b); err != nil {
		return err
	}
	if int(max(s.proc, s.listener)) > len(d.processes) {
		return errMalformed
	}
	s.clamp()
	d.shapes = append(d.shapes, template{columns: s.columns, event: event.Event{
		Kind: s.kind, Direction: s.direction, Proto: s.proto, Op: s.op, Reason: s.reason, ClosedBy: s.closedBy,
		ResetBy: s.resetBy, Errno: s.errno, Flags: s.flags, Inferred: s.inferred, Netns: s.netns,
		Proc: d.id(s.proc), Listener: d.id(s.listener), Src: s.src, Dst: s.dst, Count: uint64(s.count),
		State: s.state, Device: s.device, SocketRange: s.ports,
	}})
	return limit(len(d.shapes))
}

// clamp replaces numbers of later versions by the nearest that this version knows.
func (s *shape) clamp() {
	if s.direction > event.In {
		s.direction = event.Unknown
	}
	if s.op > event.OpAutobind {
		s.op = 0
	}
	if s.reason > event.GivenUp {
		s.reason = event.OtherReason
	}
	if s.closedBy > event.Abort {
		s.closedBy = 0
	}
	if s.state > event.StateClosing {
		s.state = 0
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

// value returns the next value of a column.
func (d *decoder) value(column int) uint64 {
	if b := d.columns[column]; len(b) > 0 && b[0] < 0x80 { // most are of one byte
		d.columns[column] = b[1:]
		return uint64(b[0])
	}
	return d.longValue(column)
}

func (d *decoder) longValue(column int) uint64 {
	v, n := protowire.ConsumeVarint(d.columns[column])
	if n < 0 {
		d.broken = true
		return 0
	}
	d.columns[column] = d.columns[column][n:]
	return v
}

func (d *decoder) signed(column int) int64 { return protowire.DecodeZigZag(d.value(column)) }

// more reports whether the frame has more events.
func (d *decoder) more() bool { return len(d.columns[columnShape]) > 0 }

// read appends events of one batch to the list, up to its capacity.
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

// nextBatch reads the length of the next batch. Events without a batch, at the end of a
// frame, are the beginning of one that goes on in the next frame.
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
	number := d.value(columnShape)
	d.time += event.Time(d.signed(columnTime))
	if number >= uint64(len(d.shapes)) || d.time < 0 || d.time > maxTime {
		return errMalformed
	}
	s := &d.shapes[number]
	*e = s.event
	e.Time = d.time
	d.values(e, s.columns)
	if d.broken {
		return errMalformed
	}
	if s.columns&hasFact != 0 {
		return d.readNextFact(e)
	}
	return nil
}

// values sets the fields of the event that are in columns.
func (d *decoder) values(e *event.Event, has uint32) {
	if has&hasLocalPort != 0 {
		e.Src.Port = uint16(d.value(columnLocalPort))
	}
	if has&hasRemotePort != 0 {
		e.Dst.Port = uint16(d.value(columnRemotePort))
	}
	if has&hasCookie != 0 {
		d.cookie += uint64(d.signed(columnCookie))
		e.Cookie = d.cookie
	}
	if has&hasDuration != 0 {
		e.Duration = d.value(columnDuration)
	}
	if has&hasCloseWait != 0 {
		e.CloseWait = d.value(columnCloseWait)
	}
	if has&hasPortSearch != 0 {
		e.PortSearch = d.value(columnPortSearch)
	}
	if has&hasCount != 0 {
		e.Count = d.value(columnCount)
		e.First = e.Time + event.Time(d.signed(columnFirst))
		e.Last = e.Time + event.Time(d.signed(columnLast))
	}
}
