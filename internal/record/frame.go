package record

import (
	"encoding/binary"
	"math"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/porttrace/porttrace/internal/bounds"
	"github.com/porttrace/porttrace/internal/event"
)

const (
	// maxEvents, which also bounds the rows of a table, and maxRaw are the largest frame.
	// They bound what a reader needs, whatever a file claims.
	maxEvents = 1 << 15
	maxRaw    = 4 << 20
	// maxStored leaves room for a frame that cannot be compressed.
	maxStored = maxRaw + maxRaw/8
	// fullEvents is with how many events the writer ends a frame: it keeps two, and their room. Of a storm
	// towards many destinations each takes half a KiB an event, so that there are fewer in little memory.
	fullEvents = 1 << 14
	// keptEvents is for how many events a frame keeps its room in any case.
	keptEvents = 1 << 11
	// fullTables is the size of the tables at which the writer ends a frame: the columns of
	// maxEvents take at most three times as much, and an event can add some KiB of names.
	fullTables = maxRaw / 4
	// maxTime keeps sums with times of a broken file from overflowing: 146 years.
	maxTime = event.Time(1 << 62)
)

// frame collects events, which become a Frame of trace.proto.
type frame struct {
	header
	begun          bool // the begin is known
	context        bool // it has the context
	changesContext bool // one of its events does, so that the next frame must have the context

	tables    []byte // context, processes, shapes and facts, ready to be written
	scratch   []byte
	shape     *shapeMessage // each shape is written from
	shapes    map[shape]uint32
	processes map[event.ProcID]uint32

	batchEvents []byte
	batchNow    []byte
	inBatch     uint64
	columns     [columns][]byte

	most uint32 // events that it has room for
	full uint32 // with as many events it ends

	// The values before, of which the columns have the differences.
	time   event.Time
	now    event.Time
	cookie uint64
}

func newFrame() *frame {
	return &frame{
		shape: newShapeMessage(), shapes: map[shape]uint32{}, processes: map[event.ProcID]uint32{},
		full: uint32(bounds.OfProcess().Of(fullEvents)),
	}
}

// contextEvery is the number of frames from one that has the context to the next, at most.
const contextEvery = 32

// reset makes it an empty frame, which begins where the stream has come to.
func (f *frame) reset(number uint64, begin event.Time, begun, context bool) {
	if f.most = max(f.most, f.events); f.most > max(keptEvents, 8*f.events) { // the room is of a storm that is over
		*f = *newFrame()
	}
	f.header = header{kind: kindFrame, number: number, begin: begin, end: begin}
	f.begun, f.changesContext = begun, false
	f.context = context || number%contextEvery == 0
	f.time, f.now, f.cookie, f.inBatch = begin, begin, 0, 0
	f.tables, f.batchEvents, f.batchNow = f.tables[:0], f.batchEvents[:0], f.batchNow[:0]
	for i := range f.columns {
		f.columns[i] = f.columns[i][:0]
	}
	clear(f.shapes)
	clear(f.processes)
}

// isFull reports whether the frame must end. It leaves room for the processes that one more
// event can name.
func (f *frame) isFull() bool {
	return f.events >= f.full || len(f.processes) > maxEvents-3-maxUDPHolders || len(f.tables) >= fullTables
}

// addEvent appends an event, which the world must have applied already.
func (f *frame) addEvent(e *event.Event, world *event.World) {
	if !f.begun {
		f.begin, f.end, f.time, f.now, f.begun = e.Time, e.Time, e.Time, e.Time, true
	}
	if f.events == 0 {
		f.addWorld(world)
	}
	f.events++
	f.inBatch++
	f.tally(e)
	s := shapeOf(e)
	number, ok := f.shapes[s]
	if !ok {
		number = f.addShape(s, e, world)
	}
	f.put(columnShape, uint64(number))
	f.putSigned(columnTime, int64(e.Time-f.time))
	f.time = e.Time
	f.putColumns(e, s.columns)
	if s.columns&hasFact != 0 {
		f.addFact(e.Fact, world)
		f.changesContext = f.changesContext || e.Kind >= event.HostKnown && e.Kind <= event.NetnsKnown && e.Kind != event.ProcessKnown
	}
}

func (f *frame) put(column int, v uint64) {
	f.columns[column] = protowire.AppendVarint(f.columns[column], v)
}

func (f *frame) putSigned(column int, v int64) { f.put(column, protowire.EncodeZigZag(v)) }

func (f *frame) putColumns(e *event.Event, has uint32) {
	if has&hasLocalPort != 0 {
		f.put(columnLocalPort, uint64(e.Src.Port))
	}
	if has&hasRemotePort != 0 {
		f.put(columnRemotePort, uint64(e.Dst.Port))
	}
	if has&hasCookie != 0 {
		f.putSigned(columnCookie, int64(e.Cookie-f.cookie))
		f.cookie = e.Cookie
	}
	if has&hasDuration != 0 {
		f.put(columnDuration, e.Duration)
	}
	if has&hasCloseWait != 0 {
		f.put(columnCloseWait, e.CloseWait)
	}
	if has&hasPortSearch != 0 {
		f.put(columnPortSearch, e.PortSearch)
	}
	if has&hasCount != 0 {
		f.put(columnCount, e.Count)
		f.putSigned(columnFirst, int64(e.First-e.Time))
		f.putSigned(columnLast, int64(e.Last-e.Time))
	}
}

// tally counts the event in the header, of which the time line is made.
func (f *frame) tally(e *event.Event) {
	n := max(e.Count, 1)
	switch e.Kind {
	case event.Open:
		f.opens = addUpTo(f.opens, n)
	case event.Close:
		f.closes = addUpTo(f.closes, n)
	case event.ConnectFail, event.BindFail:
		f.failures = addUpTo(f.failures, n)
	case event.Folded:
		if fold, ok := e.Fact.(*event.Fold); ok {
			f.opens = addUpTo(f.opens, fold.Opens)
			f.closes = addUpTo(f.closes, fold.ClosesOut+fold.ClosesIn+fold.ClosesUnknown)
		}
	}
}

func addUpTo(to uint32, n uint64) uint32 {
	return uint32(min(uint64(to)+min(n, math.MaxUint32), math.MaxUint32))
}

// endBatch marks that a batch is whole.
func (f *frame) endBatch(now event.Time) {
	f.end = max(f.end, now)
	if f.inBatch == 0 {
		return
	}
	f.batchEvents = protowire.AppendVarint(f.batchEvents, f.inBatch)
	f.batchNow = protowire.AppendVarint(f.batchNow, protowire.EncodeZigZag(int64(now-f.now)))
	f.now = now
	f.inBatch = 0
}

// append appends the frame as a field of Trace, so that frames in a row are a Trace.
func (f *frame) append(b []byte) []byte {
	var room [2 * binary.MaxVarintLen32]byte // for its tag and its length, which is known at last
	begin := len(b)
	b = append(slices.Grow(b, f.bytes()), room[:]...)
	body := len(b)
	b = appendUint(b, frameBegin, uint64(f.begin))
	b = appendUint(b, frameEnd, uint64(f.end))
	b = append(b, f.tables...)
	b = appendColumn(b, frameBatchEvents, f.batchEvents)
	b = appendColumn(b, frameBatchNow, f.batchNow)
	for i, c := range f.columns {
		b = appendColumn(b, protowire.Number(frameColumns+i), c)
	}
	length := uint64(len(b) - body)
	head := protowire.AppendVarint(protowire.AppendTag(b[begin:begin], traceFrame, protowire.BytesType), length)
	return append(b[:begin+len(head)], b[body:]...)
}

// bytes returns how many bytes append needs at most.
func (f *frame) bytes() int {
	const others = 256 // lengths, tags, the two times
	n := others + len(f.tables) + len(f.batchEvents) + len(f.batchNow)
	for _, c := range f.columns {
		n += len(c)
	}
	return n
}

func appendColumn(b []byte, n protowire.Number, column []byte) []byte {
	if len(column) == 0 {
		return b
	}
	return appendBytes(b, n, column)
}
